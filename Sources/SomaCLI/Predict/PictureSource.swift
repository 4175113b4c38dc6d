import Soma

/// Pictures of a file, in the shape that a model takes, with ink from 0 to 1.
struct PictureSource {
    let path: String
    let count: Int
    /// Whether the file is of one picture and needs no number.
    let isSingle: Bool
    private let read: (Int) -> [Float]

    /// - Parameter shape: rows and columns.
    /// - Throws: `SomaError` naming the file where it is missing, empty, broken, neither PNG, JPEG nor IDX, or of pictures of
    ///   another size.
    init(path: String, shape: [Int]) throws {
        self.path = path
        let file = try ByteRegion(mapping: path)
        guard file.bytes.count > 0 else { throw SomaError("\(path) is empty") }
        if withExtendedLifetime(
            file, { file.bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) || file.bytes.starts(with: [0xFF, 0xD8, 0xFF]) })
        {
            let picture = try InkPicture(try Picture(path: path), path: path).fitted(rows: shape[0], columns: shape[1])
            (count, isSingle, read) = (1, true, { _ in picture.ink })
        } else if withExtendedLifetime(
            file, { file.bytes.starts(with: [0, 0]) || file.bytes.starts(with: [0x1F, 0x8B]) })
        {
            let file = try IDXFile(path: path)
            (count, isSingle) = (file.count, false)
            read = try Self.reader(file, shape)
        } else {
            throw SomaError("\(path) is neither a PNG, a JPEG nor an IDX file")
        }
    }

    func picture(_ index: Int) -> [Float] { read(index) }

    private static func reader(_ file: IDXFile, _ shape: [Int]) throws -> (Int) -> [Float] {
        guard file.count > 0 else { throw SomaError("\(file.path) holds no pictures") }
        guard Array(file.shape.dropFirst()) == shape else {
            let found = file.shape.dropFirst().map(String.init).joined(separator: "×")
            throw SomaError(
                "\(file.path) has samples of \(found), the model takes pictures of \(shape[0])×\(shape[1])")
        }
        let scale = scale(file)
        return { index in
            var picture = [Float](repeating: 0, count: file.elementsPerSample)
            picture.withUnsafeMutableBufferPointer { file.readSample(index, into: $0) }
            return picture.map { $0 * scale }
        }
    }

    /// Data sets count ink from 0 to 255, or, as the embedded digits do, to 16; real numbers go to 1.
    private static func scale(_ file: IDXFile) -> Float {
        guard file.elementType == .uint8 else { return 1 }
        let largest = file.withBytes { $0.max() ?? 0 }
        return 1 / Float(largest <= Digits.maximumPixel ? Digits.maximumPixel : 255)
    }
}
