import CImages
import Glibc
import SomaGraph

/// A picture of 8 bits a channel, grey or in colour, as PNG files hold it.
public struct PNGImage: Hashable, Sendable {
    public let width: Int
    public let height: Int
    /// 1: grey, 3: red, green, blue.
    public let channels: Int
    /// height × width × channels values, row by row from the top.
    public let pixels: [UInt8]

    /// Neither side of a picture may be longer.
    public static let sideLimit = 16_384

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

    /// Reads a PNG file. Palettes are looked up, 16 bits become 8, and transparent pixels are laid over white.
    /// - Throws: `SomaError` naming the file and whether it is missing, empty, truncated, broken or too large.
    public init(path: String) throws {
        let file = try ByteRegion(mapping: path)
        guard file.bytes.count > 0 else { throw SomaError("\(path) is empty") }
        self = try withExtendedLifetime(file) { try PNGImage(decoding: file.bytes, name: path) }
    }

    /// Reads a PNG file that is in memory; `name` is what errors call it.
    public init(decoding bytes: UnsafeRawBufferPointer, name: String) throws {
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
            throw SomaError("\(name) is not a PNG file")
        }
        var picture = soma_png()
        try Self.call("cannot read \(name)") { reason in
            soma_png_decode(bytes.baseAddress, bytes.count, UInt32(Self.sideLimit), .max, &picture, reason)
        }
        defer { soma_png_release(&picture) }
        (width, height, channels) = (Int(picture.width), Int(picture.height), Int(picture.channels))
        pixels = Array(UnsafeBufferPointer(start: picture.pixels, count: width * height * channels))
    }

    /// The picture as the bytes of a PNG file.
    public func encoded() throws -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        var size = 0
        defer { free(bytes) }
        try pixels.withUnsafeBufferPointer { pixels in
            // The encoder only reads.
            var picture = soma_png(
                width: UInt32(width), height: UInt32(height), channels: UInt32(channels),
                pixels: UnsafeMutablePointer(mutating: pixels.baseAddress))
            try Self.call("cannot encode a picture") { soma_png_encode(&picture, &bytes, &size, $0) }
        }
        return Array(UnsafeBufferPointer(start: bytes, count: size))
    }

    /// Writes the picture to a PNG file, replacing what is there.
    /// - Throws: `SomaError` naming the file and the reason; the old file is then untouched.
    public func write(to path: String) throws {
        try AtomicFile.write(encoded(), to: path)
    }

    /// The picture in grey: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601).
    public var grey: PNGImage {
        if channels == 1 { return self }
        let values = (0..<width * height).map { i in
            let (r, g, b) = (Int(pixels[3 * i]), Int(pixels[3 * i + 1]), Int(pixels[3 * i + 2]))
            return UInt8((299 * r + 587 * g + 114 * b + 500) / 1000)
        }
        return PNGImage(width: width, height: height, channels: 1, pixels: values)
    }

    private static func call(_ what: String, _ body: (UnsafeMutablePointer<CChar>) -> CInt) throws {
        var reason = [CChar](repeating: 0, count: Int(SOMA_PNG_REASON_SIZE))
        guard body(&reason) == 0 else {
            throw SomaError(
                "\(what): \(reason.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })")
        }
    }
}
