import Testing

@testable import Soma

/// Pictures that Pillow has written and decoded, kept in fixtures/pictures.json with the script that made them.
enum KnownPictures {
    static let all: JSON = {
        do {
            let folder = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
            let file = try ByteRegion(mapping: "/\(folder)/fixtures/pictures.json")
            return try withExtendedLifetime(file) { try JSON(parsing: file.bytes) }
        } catch { fatalError("\(error)") }
    }()

    static let names = ["baseline", "full colour", "progressive", "restarts", "grey", "cmyk", "rgb"]

    static func file(_ name: String) -> [UInt8] { all["files"]![name]!["file"]!.hexadecimal }

    static func pixels(_ name: String) -> [UInt8] { all["files"]![name]!["pixels"]!.hexadecimal }

    static let colour = Picture(width: 29, height: 21, channels: 3, pixels: all["picture"]!.hexadecimal)
    static let grey = Picture(width: 29, height: 21, channels: 1, pixels: all["grey"]!.hexadecimal)
}

extension JSON {
    var hexadecimal: [UInt8] {
        let digits = (string ?? "").utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

/// The largest difference of two pictures' values.
func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    a.count == b.count ? zip(a, b).map { abs(Int($0) - Int($1)) }.max() ?? 0 : .max
}

@Suite struct JPEGTests {
    private func decode(_ bytes: [UInt8]) throws -> Picture { try Picture(decoding: bytes, name: "p.jpg") }

    @Test(arguments: KnownPictures.names) func decodesAsOthersDo(name: String) throws {
        let picture = try decode(KnownPictures.file(name))
        #expect((picture.width, picture.height) == (29, 21))
        #expect(picture.channels == (name == "grey" ? 1 : 3))
        // Decoders may round differently.
        #expect(distance(picture.pixels, KnownPictures.pixels(name)) <= 3)
    }

    /// Inks as luminance and two differences of colours, which the file's Adobe marker tells.
    @Test func decodesInksOfOtherColourSpaces() throws {
        var bytes = KnownPictures.file("cmyk")
        try #require(Array(bytes[6..<11]) == Array("Adobe".utf8) && bytes[17] == 0)
        let plain = try decode(bytes)
        bytes[17] = 2
        let mixed = try decode(bytes)
        #expect(mixed.channels == 3 && mixed != plain)
    }

    @Test func decodesSmaller() throws {
        for name in KnownPictures.names {
            let encoded = try EncodedPicture(KnownPictures.file(name), name: name)
            #expect(encoded.size == PictureSize(height: 21, width: 29))
            let half = try encoded.decoded(channels: 3, eighths: 4)
            #expect(half.size == PictureSize(height: 11, width: 15))
            let reference = try encoded.decoded(channels: 3)
                .resampled(PictureRegion(x: 0, y: 0, width: 29, height: 21), to: half.size)
            #expect(distance(half.pixels, reference.pixels) < 40, "\(name)")
            #expect(try encoded.decoded(channels: 1).channels == 1)
            #expect(try encoded.decoded(channels: 3).channels == 3)
        }
    }

    @Test func decodesNoSmallerThanIsNeeded() throws {
        let encoded = try EncodedPicture(KnownPictures.file("baseline"), name: "p.jpg")
        let whole = PictureRegion(of: encoded.size)
        for side in 1...30 {
            let target = PictureSize(side)
            let eighths = encoded.eighths(for: whole, target: target)
            let size = try encoded.decoded(eighths: eighths).size
            #expect(side > 21 || (size.height >= side && size.width >= side))
        }
        #expect(encoded.eighths(for: whole, target: PictureSize(2)) == 1)
        #expect(encoded.eighths(for: whole, target: PictureSize(25)) == 8)
    }

    @Test func namesEveryFault() {
        func check(_ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
            expectError("p.jpg", reason, sourceLocation: sourceLocation) { _ = try decode(bytes) }
        }
        check([], "is empty")
        check([0xFF, 0xD8], "neither a PNG nor a JPEG file")
        for name in KnownPictures.names {
            let good = KnownPictures.file(name)
            for length in stride(from: 3, to: good.count - 12, by: 37) { check(Array(good[..<length]), "") }
            check(Array(good[..<(good.count / 2)]), "truncated")
        }
        check([0xFF, 0xD8, 0xFF, 0xD9], "no image")
    }

    @Test func refusesPicturesThatAreTooLarge() {
        var bytes = KnownPictures.file("baseline")
        // The frame header: marker, length, precision, height, width.
        let frame = (0..<bytes.count).first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 }!
        for (place, value) in zip(frame + 5..<frame + 9, [0xEA, 0x60, 0xEA, 0x60] as [UInt8]) { bytes[place] = value }
        expectError("p.jpg", "it is 60000×60000 pixels, more than 16384 a side") { _ = try decode(bytes) }
        for (place, value) in zip(frame + 5..<frame + 9, [0x40, 0, 0x40, 0] as [UInt8]) { bytes[place] = value }
        expectError("p.jpg", "it is 16384×16384 pixels, more than 100000000 in all") { _ = try decode(bytes) }
    }

    /// A few bytes that ask for a thousand passes over the picture.
    @Test func refusesEndlessScans() {
        let good = KnownPictures.file("progressive")
        let starts = good.indices.dropLast().filter { good[$0] == 0xFF && good[$0 + 1] == 0xDA }
        let scan = good[starts[0]..<starts[1]]
        let bad = Array(good[..<starts[0]]) + (0..<200).flatMap { _ in scan } + Array(good[starts[0]...])
        expectError("p.jpg", "100 scans") { _ = try decode(bad) }
    }

    /// Whatever byte is damaged, decoding gives a picture or an error of one line.
    @Test func survivesDamageAnywhere() {
        for name in ["baseline", "progressive", "cmyk"] {
            let good = KnownPictures.file(name)
            var refused = 0
            for position in stride(from: 3, to: good.count, by: 2) {
                for damage: UInt8 in [0x01, 0x80, 0xFF] {
                    var bad = good
                    bad[position] ^= damage
                    do { _ = try decode(bad) } catch { refused += error is SomaError ? 1 : 0 }
                }
            }
            #expect(refused > good.count / 8, "\(name)")
        }
    }
}
