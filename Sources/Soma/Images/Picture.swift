import CImages
import Glibc
import SomaGraph

/// A picture of 8 bits a channel, grey or in colour.
public struct Picture: Hashable, Sendable {
    /// Columns, 1 … `sideLimit`.
    public let width: Int
    /// Rows, 1 … `sideLimit`.
    public let height: Int
    /// 1: grey, 3: red, green, blue.
    public let channels: Int
    /// height × width × channels values, row by row from the top.
    public internal(set) var pixels: [UInt8]

    /// Neither side of a picture may be longer.
    public static let sideLimit = 16_384
    /// A picture may not have more pixels: a small file can promise so many that they fill the memory.
    public static let pixelLimit = 100_000_000

    /// A picture of the given pixels.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        let sides = 1...Self.sideLimit
        guard sides.contains(width), sides.contains(height), channels == 1 || channels == 3,
            pixels.count == width * height * channels
        else {
            programError("picture", "\(pixels.count) values are not \(height)×\(width) pixels of \(channels) channels")
        }
        (self.width, self.height, self.channels, self.pixels) = (width, height, channels, pixels)
    }

    /// Reads a PNG or JPEG file, told apart by its content. Palettes are looked up, 16 bits become 8, transparent pixels are laid over white, and
    /// inks (CMYK) become red, green and blue.
    /// - Throws: `SomaError` naming the file and whether it is missing, empty, truncated, broken or too large.
    public init(path: String) throws { self = try EncodedPicture(path: path).decoded() }

    /// Reads a PNG or JPEG file that is in memory; `name` is what errors call it.
    public init(decoding bytes: [UInt8], name: String) throws {
        self = try EncodedPicture(bytes, name: name).decoded()
    }

    var size: PictureSize { PictureSize(height: height, width: width) }

    /// The picture in grey: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).
    public var grey: Picture {
        if channels == 1 { return self }
        let values = [UInt8](unsafeUninitializedCapacity: width * height) { grey, count in
            count = width * height
            pixels.withUnsafeBufferPointer { pixels in
                for i in 0..<count {
                    let (r, g, b) = (Int(pixels[3 * i]), Int(pixels[3 * i + 1]), Int(pixels[3 * i + 2]))
                    grey[i] = UInt8((299 * r + 587 * g + 114 * b + 500) / 1000)
                }
            }
        }
        return Picture(width: width, height: height, channels: 1, pixels: values)
    }

    /// The picture with three channels, which are equal where it was grey.
    public var colour: Picture {
        if channels == 3 { return self }
        let values = [UInt8](unsafeUninitializedCapacity: 3 * pixels.count) { colour, count in
            count = 3 * pixels.count
            for (i, value) in pixels.enumerated() { for c in 0..<3 { colour[3 * i + c] = value } }
        }
        return Picture(width: width, height: height, channels: 3, pixels: values)
    }

    // MARK: Writing

    /// The picture as the bytes of a PNG file.
    public func encoded() throws -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        var size = 0
        defer { free(bytes) }
        try withForeign { picture in
            var picture = picture
            try Self.call("cannot encode a picture") { soma_png_encode(&picture, &bytes, &size, $0) }
        }
        return Array(UnsafeBufferPointer(start: bytes, count: size))
    }

    /// Writes the picture to a PNG file, replacing what is there.
    /// - Throws: `SomaError` naming the file and the reason; the old file is then untouched.
    public func write(to path: String, links: LinkPolicy = .followed) throws {
        try AtomicFile.write(encoded(), to: path, links: links)
    }
}

// MARK: - C

extension Picture {
    /// The picture as C takes it, which must not write to it.
    func withForeign<R>(_ body: (soma_picture) throws -> R) rethrows -> R {
        try pixels.withUnsafeBufferPointer {
            try body(foreign(UnsafeMutablePointer(mutating: $0.baseAddress)))
        }
    }

    /// The picture as C takes it, which may write its pixels.
    mutating func withMutableForeign<R>(_ body: (inout soma_picture) throws -> R) rethrows -> R {
        var picture = foreign(nil)
        return try pixels.withUnsafeMutableBufferPointer {
            picture.pixels = $0.baseAddress
            return try body(&picture)
        }
    }

    private func foreign(_ pixels: UnsafeMutablePointer<UInt8>?) -> soma_picture {
        soma_picture(width: UInt32(width), height: UInt32(height), channels: UInt32(channels), pixels: pixels)
    }

    /// A picture of the given size whose pixels are all written by `fill`.
    init(_ size: PictureSize, channels: Int, fill: (inout soma_picture) throws -> Void) rethrows {
        (width, height, self.channels, pixels) = (size.width, size.height, channels, [])
        var picture = foreign(nil)
        pixels = try [UInt8](unsafeUninitializedCapacity: size.width * size.height * channels) { pixels, count in
            picture.pixels = pixels.baseAddress
            try fill(&picture)
            count = pixels.count
        }
    }

    /// Takes over what C has decoded.
    init(_ picture: inout soma_picture) {
        defer { soma_picture_release(&picture) }
        let size = Int(picture.width) * Int(picture.height) * Int(picture.channels)
        self.init(
            width: Int(picture.width), height: Int(picture.height), channels: Int(picture.channels),
            pixels: Array(UnsafeBufferPointer(start: picture.pixels, count: size)))
    }

    static var limits: soma_picture_limits {
        soma_picture_limits(side: UInt32(sideLimit), pixels: UInt64(pixelLimit))
    }

    static func call(_ what: @autoclosure () -> String, _ body: (UnsafeMutablePointer<CChar>) -> CInt) throws {
        try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(SOMA_PICTURE_REASON_SIZE)) { reason in
            guard let start = reason.baseAddress, body(start) != 0 else { return }
            throw SomaError("\(what()): \(String(cString: start))")
        }
    }
}

/// Rows and columns of a picture.
public struct PictureSize: Hashable, Sendable, CustomStringConvertible {
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// Nothing is checked here: what makes a picture of this size checks it.
    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }

    /// So many rows as columns.
    public init(_ side: Int) { self.init(height: side, width: side) }

    public var description: String { "\(height)×\(width)" }
}
