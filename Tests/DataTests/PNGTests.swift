import Testing

@testable import Soma

@Suite struct PNGTests {
    let folder = TemporaryFolder()

    /// A PNG file put together by hand: its image data in stored blocks of a zlib stream.
    static func png(
        width: UInt32, height: UInt32, depth: UInt8 = 8, colour: UInt8, extra: [UInt8] = [], rows: [UInt8]
    ) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", bigEndian(width) + bigEndian(height) + [depth, colour, 0, 0, 0])
            + extra + chunk("IDAT", zlibStored(rows)) + chunk("IEND", [])
    }

    static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
    }

    static func zlibStored(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt16(bytes.count)
        let sums = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in
            let a = (sums.0 + UInt32(byte)) % 65521
            return (a, (sums.1 + a) % 65521)
        }
        return [0x78, 1, 1] + littleEndian(count) + littleEndian(~count) + bytes + bigEndian(sums.1 << 16 | sums.0)
    }

    static func decode(_ bytes: [UInt8]) throws -> Picture {
        try Picture(decoding: bytes, name: "p.png")
    }

    @Test(arguments: [1, 3]) func writtenPicturesComeBack(channels: Int) throws {
        let pixels = (0..<37 * 23 * channels).map { UInt8(truncatingIfNeeded: $0 * 31) }
        let picture = Picture(width: 37, height: 23, channels: channels, pixels: pixels)
        let path = "\(folder.path)/p.png"
        try picture.write(to: path)
        #expect(try Picture(path: path) == picture)
        #expect(folder.names == ["p.png"])
    }

    @Test func readsEveryColourType() throws {
        let grey = try Self.decode(Self.png(width: 2, height: 2, colour: 0, rows: [0, 1, 2, 0, 3, 4]))
        #expect(grey == Picture(width: 2, height: 2, channels: 1, pixels: [1, 2, 3, 4]))
        let bits = try Self.decode(Self.png(width: 4, height: 1, depth: 2, colour: 0, rows: [0, 0b00_01_10_11]))
        #expect(bits.pixels == [0, 85, 170, 255])
        let deep = try Self.decode(
            Self.png(width: 2, height: 1, depth: 16, colour: 0, rows: [0, 0xFF, 0xFF, 0x80, 0x80]))
        #expect(deep.pixels == [255, 128])
        let colour = try Self.decode(Self.png(width: 1, height: 1, colour: 2, rows: [0, 1, 2, 3]))
        #expect(colour == Picture(width: 1, height: 1, channels: 3, pixels: [1, 2, 3]))
        let palette = Self.chunk("PLTE", [10, 20, 30, 40, 50, 60])
        let indexed = try Self.decode(Self.png(width: 2, height: 1, colour: 3, extra: palette, rows: [0, 1, 0]))
        #expect(indexed.pixels == [40, 50, 60, 10, 20, 30])
    }

    /// Adam7: the passes of a 3×3 picture have 1, 1 and 2 rows of 1, 1 and so on.
    @Test func readsInterlacedPictures() throws {
        let header = bigEndian(3) + bigEndian(3) + [8, 0, 0, 0, 1]
        // Pass 1: (0,0). Pass 5: row 2, columns 0 and 2. Pass 4: column 2 of row 0. Pass 6: column 1 of rows 0, 2. Pass 7: row 1.
        let rows: [UInt8] = [0, 1] + [0, 3] + [0, 7, 9] + [0, 2] + [0, 8] + [0, 4, 5, 6]
        let file =
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
            + Self.chunk("IDAT", Self.zlibStored(rows)) + Self.chunk("IEND", [])
        #expect(try Self.decode(file).pixels == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    }

    @Test func laysTransparencyOverWhite() throws {
        let greyAlpha = try Self.decode(Self.png(width: 3, height: 1, colour: 4, rows: [0, 100, 0, 100, 255, 0, 51]))
        #expect(greyAlpha == Picture(width: 3, height: 1, channels: 1, pixels: [255, 100, 204]))
        let colourAlpha = try Self.decode(Self.png(width: 1, height: 1, colour: 6, rows: [0, 10, 20, 30, 0]))
        #expect(colourAlpha == Picture(width: 1, height: 1, channels: 3, pixels: [255, 255, 255]))
        let transparent = Self.chunk("PLTE", [10, 20, 30, 40, 50, 60]) + Self.chunk("tRNS", [0])
        let indexed = try Self.decode(Self.png(width: 2, height: 1, colour: 3, extra: transparent, rows: [0, 1, 0]))
        #expect(indexed.pixels == [40, 50, 60, 255, 255, 255])
    }

    @Test func greyIsTheLuminance() {
        let picture = Picture(width: 4, height: 1, channels: 3, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
        #expect(picture.grey.pixels == [76, 150, 29, 9])
    }

    @Test func namesEveryFault() {
        func check(_ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
            expectError("p.png", reason, sourceLocation: sourceLocation) { _ = try Self.decode(bytes) }
        }
        let good = Self.png(width: 2, height: 2, colour: 0, rows: [0, 1, 2, 0, 3, 4])
        check(Array("GIF89a".utf8), "neither a PNG nor a JPEG file")
        check([], "is empty")
        for length in 8..<good.count { check(Array(good[..<length]), "") }
        check(Array(good[..<40]), "truncated")
        var flipped = good
        flipped[20] ^= 1
        check(flipped, "CRC")
        check(Self.png(width: 0, height: 2, colour: 0, rows: []), "Invalid IHDR")
        check(Self.png(width: 2, height: 2, colour: 5, rows: [0]), "Invalid IHDR")
        check(Self.png(width: 2, height: 2, colour: 0, rows: [0, 1, 2]), "")
        check(Self.png(width: 2, height: 1, colour: 3, rows: [0, 1, 0]), "Missing PLTE")
    }

    @Test func refusesDecompressionBombsBeforeAllocating() {
        let wide = Self.png(width: 1 << 20, height: 1, colour: 0, rows: [0])
        expectError("p.png", "it is 1048576×1 pixels, more than 16384 a side") { _ = try Self.decode(wide) }
        let square = Self.png(width: 60_000, height: 60_000, colour: 0, rows: [0])
        expectError("p.png", "it is 60000×60000 pixels, more than 16384 a side") { _ = try Self.decode(square) }
        let large = Self.png(width: 16_384, height: 16_384, depth: 1, colour: 0, rows: [0])
        expectError("p.png", "it is 16384×16384 pixels, more than 100000000 in all") { _ = try Self.decode(large) }
        let promise = Self.png(width: 10_000, height: 10_000, depth: 16, colour: 6, rows: [0])
        expectError("promises more pixels") { _ = try Self.decode(promise) }
    }

    /// No memory is taken for what a chunk claims to have. In a process of its own, which does nothing else.
    @Test func chunksLongerThanTheFileAreRefused() async {
        await #expect(processExitsWith: .success) {
            let start = PNGTests.png(width: 2, height: 2, colour: 0, rows: [0, 1, 2, 0, 3, 4])[..<33]
            let before = largestAddressSpace()
            for name in ["tEXt", "zTXt", "iTXt", "sPLT", "pCAL", "sCAL", "iCCP", "eXIf", "tRNS", "PLTE", "IDAT", "xxXx"] {
                for claim: UInt32 in [100, 0x7FFF_FFFF, .max] {
                    let file: [UInt8] = Array(start) + bigEndian(claim) + Array(name.utf8) + [1, 2, 3]
                    expectError("p.png", "truncated") { _ = try PNGTests.decode(file) }
                }
            }
            #expect(before > 0 && largestAddressSpace() - before < 256 << 20)
        }
    }

    /// Chunks that say nothing of pixels are passed over, broken ones too.
    @Test func otherChunksDoNotMatter() throws {
        let rows: [UInt8] = [0, 1, 2, 0, 3, 4]
        let extra = ["tEXt", "zTXt", "iTXt", "sPLT", "iCCP", "gAMA"].flatMap { Self.chunk($0, [UInt8](repeating: 65, count: 3000)) }
        #expect(try Self.decode(Self.png(width: 2, height: 2, colour: 0, extra: extra, rows: rows)).pixels == [1, 2, 3, 4])
    }

    /// Exif data with the tag Orientation alone.
    private static func exif(_ orientation: UInt16, isLittle: Bool) -> [UInt8] {
        func short(_ value: UInt16) -> [UInt8] { withUnsafeBytes(of: isLittle ? value.littleEndian : value.bigEndian, Array.init) }
        func long(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: isLittle ? value.littleEndian : value.bigEndian, Array.init) }
        return Array((isLittle ? "II" : "MM").utf8) + short(42) + long(8) + short(1) + short(0x0112) + short(3) + long(1) + short(orientation) + [0, 0] + long(0)
    }

    /// What Pillow's `ImageOps.exif_transpose` makes of [[1, 2, 3], [4, 5, 6]], worked out from the standard's definition of the eight values.
    @Test(arguments: zip(1...8, [
        [1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [6, 5, 4, 3, 2, 1], [4, 5, 6, 1, 2, 3],
        [1, 4, 2, 5, 3, 6], [4, 1, 5, 2, 6, 3], [6, 3, 5, 2, 4, 1], [3, 6, 2, 5, 1, 4],
    ] as [[UInt8]])) func picturesAreUpright(tag: Int, pixels: [UInt8]) throws {
        let rows: [UInt8] = [0, 1, 2, 3, 0, 4, 5, 6]
        let header = Self.png(width: 3, height: 2, colour: 0, rows: rows)
        for isLittle in [true, false] {
            let chunk = Self.chunk("eXIf", Self.exif(UInt16(tag), isLittle: isLittle))
            // Before the pixels and behind them.
            let behind: [UInt8] = Array(header.dropLast(12)) + chunk + Array(header.suffix(12))
            for file in [Self.png(width: 3, height: 2, colour: 0, extra: chunk, rows: rows), behind] {
                let picture = try Self.decode(file)
                #expect((picture.width, picture.height) == (tag >= 5 ? (2, 3) : (3, 2)))
                #expect(picture.pixels == pixels)
                #expect(try EncodedPicture(file, name: "p.png").size == PictureSize(height: picture.height, width: picture.width))
            }
            // The mark of a JPEG file's segment before it, as some writers have it.
            let marked = Self.chunk("eXIf", Array("Exif".utf8) + [0, 0] + Self.exif(UInt16(tag), isLittle: isLittle))
            #expect(try Self.decode(Self.png(width: 3, height: 2, colour: 0, extra: marked, rows: rows)).pixels == pixels)
        }
        // Without the tag in Exif data that of a packet of XMP counts, as for Pillow.
        for text in ["<x tiff:Orientation=\"\(tag)\"/>", "<tiff:Orientation>\(tag)</tiff:Orientation>"] {
            let packet = Array("XML:com.adobe.xmp".utf8) + [0, 0, 0] + Array("en".utf8) + [0, 0] + Array(text.utf8)
            #expect(try Self.decode(Self.png(width: 3, height: 2, colour: 0, extra: Self.chunk("iTXt", packet), rows: rows)).pixels == pixels)
            let upright = Self.chunk("eXIf", Self.exif(1, isLittle: true)) + Self.chunk("iTXt", packet)
            #expect(try Self.decode(Self.png(width: 3, height: 2, colour: 0, extra: upright, rows: rows)).pixels == [1, 2, 3, 4, 5, 6])
        }
        // Damaged data turns nothing.
        var broken = Self.chunk("eXIf", Self.exif(UInt16(tag), isLittle: true))
        broken[broken.count - 1] ^= 1
        #expect(try Self.decode(Self.png(width: 3, height: 2, colour: 0, extra: broken, rows: rows)).pixels == [1, 2, 3, 4, 5, 6])
    }

    /// Exif data as ImageMagick keeps it in a text: a line of its own, the name, the length, and lines of hexadecimal digits.
    private static func profile(_ exif: [UInt8], spaces: Int = 0) -> [UInt8] {
        let digits = exif.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return Array("\nexif\n      \(exif.count)\n\(digits.prefix(24))\n\(digits.dropFirst(24).uppercased())\n".utf8) + [UInt8](repeating: 0x20, count: spaces)
    }

    /// A zlib stream of stored blocks, as long as may be.
    private static func packed(_ bytes: [UInt8]) -> [UInt8] {
        let blocks = stride(from: 0, to: max(bytes.count, 1), by: 65535).map { Array(bytes[$0..<min($0 + 65535, bytes.count)]) }
        var body: [UInt8] = []
        for (number, block) in blocks.enumerated() {
            body.append(number == blocks.count - 1 ? 1 : 0)
            body += littleEndian(UInt16(block.count)) + littleEndian(~UInt16(block.count)) + block
        }
        let sums = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in ((sums.0 + UInt32(byte)) % 65521, (sums.1 + sums.0 + UInt32(byte)) % 65521) }
        return [0x78, 1] + body + bigEndian(sums.1 << 16 | sums.0)
    }

    private static func text(_ type: String, _ keyword: String, _ text: [UInt8]) -> [UInt8] {
        let head: [UInt8] = type == "zTXt" ? [0] : type == "iTXt" ? [1, 0] + Array("en".utf8) + [0, 0] : []
        return chunk(type, Array(keyword.utf8) + [0] + head + (type == "tEXt" ? text : packed(text)))
    }

    /// Whether a picture with these chunks is turned by half, as orientation 3 says.
    private static func isTurned(_ chunks: [UInt8]...) throws -> Bool {
        let pixels = try decode(png(width: 3, height: 2, colour: 0, extra: Array(chunks.joined()), rows: [0, 1, 2, 3, 0, 4, 5, 6])).pixels
        #expect(pixels == [1, 2, 3, 4, 5, 6] || pixels == [6, 5, 4, 3, 2, 1])
        return pixels == [6, 5, 4, 3, 2, 1]
    }

    /// What Pillow 13 makes of the same files.
    @Test(arguments: ["tEXt", "zTXt", "iTXt"]) func textsTurnPicturesToo(type: String) throws {
        let (name, xmp) = ("Raw profile type exif", "XML:com.adobe.xmp")
        let (turned, upright) = (Self.exif(3, isLittle: true), Self.exif(1, isLittle: false))
        let marked = Array("Exif".utf8) + [0, 0] + turned
        let packet = Array("<x tiff:Orientation=\"3\"/>".utf8)
        #expect(try Self.isTurned(Self.text(type, name, Self.profile(turned))))
        #expect(try Self.isTurned(Self.text(type, name, Self.profile(marked))))
        #expect(try Self.isTurned(Self.text(type, xmp, packet)))
        // The last text counts, a chunk eXIf more than any, and XMP only where Exif data says nothing.
        #expect(try Self.isTurned(Self.text(type, name, Self.profile(upright)), Self.text("tEXt", name, Self.profile(turned))))
        #expect(try !Self.isTurned(Self.text(type, name, Self.profile(turned)), Self.text("zTXt", name, Self.profile(upright))))
        #expect(try !Self.isTurned(Self.text(type, name, Self.profile(turned)), Self.chunk("eXIf", upright)))
        #expect(try !Self.isTurned(Self.text(type, name, Self.profile(upright)), Self.text(type, xmp, packet)))
        // Other names, damaged digits and damaged chunks turn nothing.
        #expect(try !Self.isTurned(Self.text(type, "Raw profile type APP1", Self.profile(turned))))
        #expect(try !Self.isTurned(Self.text(type, name, Self.profile(turned) + Array("0".utf8))))
        #expect(try !Self.isTurned(Self.text(type, name, Self.profile(turned) + Array("0g".utf8))))
        #expect(try !Self.isTurned(Self.text(type, name, [])))
        var broken = Self.text(type, name, Self.profile(turned))
        broken[broken.count - 1] ^= 1
        #expect(try !Self.isTurned(broken))
    }

    @Test func packedTextsHaveABoundAndMayBeDamaged() throws {
        let (name, turned) = ("Raw profile type exif", Self.exif(3, isLittle: true))
        let room = 1 << 20 - Self.profile(turned).count
        #expect(try Self.isTurned(Self.text("zTXt", name, Self.profile(turned, spaces: room - 1))))
        #expect(try !Self.isTurned(Self.text("zTXt", name, Self.profile(turned, spaces: room + 1))))
        let packet = Array("<x tiff:Orientation=\"3\"/>".utf8)
        #expect(try !Self.isTurned(Self.text("iTXt", "XML:com.adobe.xmp", packet + [UInt8](repeating: 0x20, count: 1 << 20))))
        // Stored, so that a text may be longer.
        #expect(try Self.isTurned(Self.text("tEXt", name, Self.profile(turned, spaces: 1 << 20))))
        let stream = Self.packed(Self.profile(turned))
        func file(_ method: UInt8, _ stream: [UInt8]) throws -> Bool { try Self.isTurned(Self.chunk("zTXt", Array(name.utf8) + [0, method] + stream)) }
        #expect(try file(0, stream))
        #expect(try file(0, stream.dropLast(4)), "all of the text is there")
        #expect(try !file(1, stream), "an unknown method")
        #expect(try !file(0, stream.dropLast() + [stream[stream.count - 1] ^ 1]), "a wrong sum")
        for length in 0..<stream.count - 60 { _ = try file(0, Array(stream[..<length])) }
        for content in [[], [0], [1], [1, 0], [1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]] as [[UInt8]] {
            for type in ["tEXt", "zTXt", "iTXt"] { #expect(try !Self.isTurned(Self.chunk(type, Array(name.utf8) + content))) }
        }
    }

    @Test func namesAMissingAndAnEmptyFile() {
        expectError("/proc/nonexistent.png", "No such file") { _ = try Picture(path: "/proc/nonexistent.png") }
        let path = folder.file("e.png", [])
        expectError(path, "is empty") { _ = try Picture(path: path) }
    }

    /// Whatever byte is damaged, decoding gives a picture or an error.
    @Test func survivesDamageAnywhere() {
        let palette = Self.chunk("PLTE", [10, 20, 30, 40, 50, 60]) + Self.chunk("tRNS", [0])
        let good = Self.png(width: 2, height: 1, colour: 3, extra: palette, rows: [0, 1, 0])
        var refused = 0
        for position in good.indices {
            for damage: UInt8 in [0x01, 0x80, 0xFF] {
                var bad = good
                bad[position] ^= damage
                do { _ = try Self.decode(bad) } catch { refused += error is SomaError ? 1 : 0 }
            }
        }
        #expect(refused > good.count)
    }
}
