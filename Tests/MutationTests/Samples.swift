@testable import Soma

/// Checksums and frames of formats, so that changes behind them are seen by whoever reads the content.
enum Packing {
    /// CRC-32, polynomial 0xEDB88320.
    static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { (0..<8).reduce(UInt32($0)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 } }

    private static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }
    private static func big(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }

    /// One gzip member of one stored block.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        let part = Array(bytes.prefix(65535)), count = UInt16(part.count)
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(count) + little(~count) + part + little(crc32(part)) + little(UInt32(part.count))
    }

    private static let gzipFrame = (head: 15, tail: 8)

    /// Packs again what a changed file would hold.
    static func repairGzip(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count < gzipFrame.head + gzipFrame.tail ? bytes : gzip(Array(bytes[gzipFrame.head..<bytes.count - gzipFrame.tail]))
    }

    /// The checksums of a PNG file's chunks.
    static func repairPNG(_ bytes: [UInt8]) -> [UInt8] {
        var (result, at) = (bytes, 8)
        while at + 12 <= result.count {
            let length = result[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= result.count - at - 12 else { break }
            let end = at + 8 + length
            result.replaceSubrange(end..<end + 4, with: big(crc32(result[at + 4..<end])))
            at = end + 4
        }
        return result
    }

    /// The length of a safetensors header, by where its text ends.
    static func repairSafetensors(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > 9, let end = bytes[8...].lastIndex(of: UInt8(ascii: "}")) else { return bytes }
        return little(UInt64(end - 7)) + bytes[8...]
    }

    static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return big(UInt32(data.count)) + body + big(crc32(body))
    }

    /// A PNG file by hand, its pixels in a stored block of a zlib stream.
    static func png(_ header: [UInt8], extra: [UInt8] = [], rows: [UInt8]) -> [UInt8] {
        let sums = rows.reduce((UInt32(1), UInt32(0))) { sums, byte in ((sums.0 + UInt32(byte)) % 65521, (sums.1 + (sums.0 + UInt32(byte)) % 65521) % 65521) }
        let count = UInt16(rows.count)
        let stream = [0x78, 1, 1] + little(count) + little(~count) + rows + big(sums.1 << 16 | sums.0)
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + extra + chunk("IDAT", stream) + chunk("IEND", [])
    }
}

enum Pictures {
    private static let exif: [UInt8] = Array("II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]

    static let png: [[UInt8]] = {
        let palette = Packing.chunk("PLTE", [10, 20, 30, 40, 50, 60]) + Packing.chunk("tRNS", [0])
        let texts = Packing.chunk("eXIf", exif) + Packing.chunk("tEXt", Array("key\0value".utf8))
        let digits = exif.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let profile = Packing.chunk("tEXt", Array("Raw profile type exif\0\nexif\n 26\n\(digits)\n".utf8))
        // Deflate of its own: the text in a stored block.
        let packet = Array("<x tiff:Orientation=\"6\"/>".utf8)
        let packed = Packing.chunk("iTXt", Array("XML:com.adobe.xmp\0".utf8) + [1, 0, 0, 0, 0x78, 1, 1, UInt8(packet.count), 0, ~UInt8(packet.count), 0xFF] + packet)
        return [
            Packing.png([0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0], extra: texts, rows: [0, 1, 2, 0, 3, 4]),
            Packing.png([0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0], extra: profile + packed, rows: [0, 1, 2, 0, 3, 4]),
            Packing.png([0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0], extra: packed, rows: [0, 1, 2, 0, 3, 4]),
            Packing.png([0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0], extra: palette, rows: [0, 1, 0]),
            Packing.png([0, 0, 0, 1, 0, 0, 0, 1, 16, 6, 0, 0, 0], rows: [0, 1, 2, 3, 4, 5, 6, 7, 8]),
            Packing.png([0, 0, 0, 3, 0, 0, 0, 3, 8, 0, 0, 0, 1], rows: [0, 1, 0, 3, 0, 7, 9, 0, 2, 0, 8, 0, 4, 5, 6]),
        ]
    }()

    /// The pictures with which the decoder is compared to another.
    static let jpeg: [[UInt8]] = {
        do {
            let folder = PathText.folder(of: PathText.folder(of: #filePath))
            let json = try SmallFile.read("\(folder)/DataTests/fixtures/pictures.json", limit: 1 << 24).withUnsafeBytes { try JSON(parsing: $0) }
            return (json["files"]?.members ?? []).compactMap { $0.value["file"]?.string }.map(bytes)
        } catch { fatalError("\(error)") }
    }()

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// Beginnings of files that are often given for others.
enum Foreign {
    static let samples: [[UInt8]] = [
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "<!DOCTYPE html>\n<html></html>", "<?xml version=\"1.0\"?><Error/>",
        "{\"error\": \"not found\"}", "GIF89a", "RIFF\u{1}\0\0\0WEBP", "\0\0\0\u{18}ftypheic", "%PDF-1.7",
    ].map { Array($0.utf8) } + [[0x50, 0x4B, 3, 4, 0, 0] + Array("archive/data.pkl".utf8), [0x80, 2, 0x8A, 10], [0x89] + Array("HDF".utf8)]
        + Pictures.png + Checkpoints.samples
}
