/// The pictures of a file, as a model takes them: one of a PNG or JPEG file, many of an IDX file.
public struct PictureSource {
    /// The file's name, for messages.
    public let path: String
    /// How many pictures the file holds.
    public let count: Int
    /// Whether the file is of one picture and needs no number.
    public let isSingle: Bool
    private let read: (Int) throws -> [Float]

    /// Opens a file and, where it is of one picture, reads it.
    /// - Throws: `SomaError` naming the file where it is missing, empty, broken, neither PNG, JPEG nor IDX, or of pictures of
    ///   another size.
    public init(path: String, input: PictureInput) throws {
        self.path = path
        let start = try FileStart.bytes(of: path, count: FileKind.mostBytes)
        guard !start.isEmpty else { throw SomaError("\(path) is empty") }
        if start.starts(with: [0x89, 0x50, 0x4E, 0x47]) || start.starts(with: [0xFF, 0xD8, 0xFF]) {
            let values = try Self.values(try Picture(path: path), path, input)
            (count, isSingle, read) = (1, true, { _ in values })
        } else if start.starts(with: [0, 0]) || start.starts(with: [0x1F, 0x8B]) {
            guard case .ink(let rows, let columns, _) = input else {
                throw SomaError("\(path) is an IDX file, and the model takes PNG or JPEG files")
            }
            let (file, shape) = (try IDXFile(path: path), [rows, columns])
            (count, isSingle) = (file.count, false)
            read = try Self.reader(file, shape)
        } else {
            let denial = "is neither a PNG, a JPEG nor an IDX file"
            throw start.withUnsafeBytes({ FileKind($0) })?.error(path, denial) ?? SomaError("\(path) \(denial)")
        }
    }

    /// The values of a sample, as `input` makes them of the picture with a number.
    /// - Throws: `SomaError` where the file has become another meanwhile.
    public func picture(_ index: Int) throws -> [Float] { try read(index) }

    private static func values(_ picture: Picture, _ path: String, _ input: PictureInput) throws -> [Float] {
        switch input {
        case .ink(let rows, let columns, _): try InkPicture(picture, path: path).fitted(rows: rows, columns: columns).ink
        case .photograph(let transforms, let channels, _): try picture.values(transforms, channels: channels)
        }
    }

    private static func reader(_ file: IDXFile, _ shape: [Int]) throws -> (Int) throws -> [Float] {
        guard file.count > 0 else { throw SomaError("\(file.path) holds no pictures") }
        guard Array(file.shape.dropFirst()) == shape else {
            let found = file.shape.dropFirst().map(String.init).joined(separator: "×")
            throw SomaError(
                "\(file.path) has samples of \(found), the model takes pictures of \(shape[0])×\(shape[1])")
        }
        let scale = try scale(file)
        return { index in
            var picture = [Float](repeating: 0, count: file.elementsPerSample)
            try picture.withUnsafeMutableBufferPointer { try file.readSample(index, into: $0) }
            return picture.map { $0 * scale }
        }
    }

    /// Data sets count ink from 0 to 255, or, as the embedded digits do, to 16; real numbers go to 1.
    private static func scale(_ file: IDXFile) throws -> Float {
        guard file.elementType == .uint8 else { return 1 }
        let largest = try file.withBytes { $0.max() ?? 0 }
        return 1 / Float(largest <= Digits.maximumPixel ? Digits.maximumPixel : 255)
    }
}
