import Testing

@testable import Soma

/// Pictures that Pillow has written and decoded, kept in fixtures/pictures.json with the script that made them.
enum KnownPictures {
    static let all: JSON = {
        do {
            let folder = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
            let file = try ByteRegion(reading: "/\(folder)/fixtures/pictures.json")
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

    /// A file of some thousand bytes has no hundred million pixels, and no memory is taken for them.
    @Test(arguments: ["baseline", "progressive"]) func refusesWhatTheFileCannotHold(name: String) {
        var bytes = KnownPictures.file(name)
        let frame = (0..<bytes.count).first { bytes[$0] == 0xFF && (bytes[$0 + 1] == 0xC0 || bytes[$0 + 1] == 0xC2) }!
        for (place, value) in zip(frame + 5..<frame + 9, [0x26, 0, 0x26, 0] as [UInt8]) { bytes[place] = value }
        // Said of the header alone, before any pixel is looked at.
        expectError("p.jpg", "promises more pixels") { _ = try EncodedPicture(bytes, name: "p.jpg") }
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

    // MARK: Orientation

    /// Exif data with the one tag, in either order of bytes.
    private func exif(_ orientation: UInt16, isLittle: Bool, type: UInt16 = 3, count: UInt32 = 1, offset: UInt32 = 8) -> [UInt8] {
        func short(_ value: UInt16) -> [UInt8] { withUnsafeBytes(of: isLittle ? value.littleEndian : value.bigEndian, Array.init) }
        func long(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: isLittle ? value.littleEndian : value.bigEndian, Array.init) }
        let other = short(0x010F) + short(2) + long(4) + [1, 2, 3, 4]
        let tag = short(0x0112) + short(type) + long(count) + short(orientation) + [0, 0]
        return Array("Exif".utf8) + [0, 0] + Array((isLittle ? "II" : "MM").utf8) + short(42) + long(offset) + short(2) + other + tag + long(0)
    }

    /// A file with a segment of application data 1 behind its beginning.
    private func file(with segment: [UInt8], of name: String = "baseline") -> [UInt8] {
        let bytes = KnownPictures.file(name)
        return Array(bytes[..<2]) + [0xFF, 0xE1] + Array(bigEndian(UInt32(segment.count + 2))[2...]) + segment + bytes[2...]
    }

    /// Where the upper left, upper right and lower left corner of the file are in the picture: the eight ways to hold a camera.
    @Test(arguments: zip(1...8, ["ABC", "BAD", "DCB", "CDA", "ACB", "CAD", "DBC", "BDA"])) func picturesAreUpright(tag: Int, corners: String) throws {
        let plain = try decode(KnownPictures.file("baseline"))
        func corner(_ picture: Picture, _ x: Int, _ y: Int) -> [UInt8] {
            let start = ((y == 0 ? 0 : picture.height - 1) * picture.width + (x == 0 ? 0 : picture.width - 1)) * 3
            return Array(picture.pixels[start..<start + 3])
        }
        let named: [Character: [UInt8]] = ["A": corner(plain, 0, 0), "B": corner(plain, 1, 0), "C": corner(plain, 0, 1), "D": corner(plain, 1, 1)]
        try #require(Set(named.values).count == 4)
        for isLittle in [true, false] {
            let bytes = file(with: exif(UInt16(tag), isLittle: isLittle))
            let picture = try decode(bytes)
            #expect((picture.width, picture.height) == (tag >= 5 ? (21, 29) : (29, 21)))
            for (name, (x, y)) in zip(corners, [(0, 0), (1, 0), (0, 1)]) { #expect(corner(picture, x, y) == named[name], "\(name)") }
            // Each pixel once: a turned picture has the same pixels in another order.
            #expect(picture.pixels.sorted() == plain.pixels.sorted())
            // Known before it is decoded, and the same at a smaller size.
            let encoded = try EncodedPicture(bytes, name: "p.jpg")
            #expect(encoded.size == picture.size)
            let small = try encoded.decoded(eighths: 4)
            #expect((small.width, small.height) == (tag >= 5 ? (11, 15) : (15, 11)))
        }
    }

    /// The tag of a packet of XMP, where Exif data have none.
    @Test func xmpTellsHowThePictureWasTaken() throws {
        func packet(_ text: String) -> [UInt8] { Array("http://ns.adobe.com/xap/1.0/".utf8) + [0] + Array(text.utf8) }
        let turned = try decode(file(with: exif(6, isLittle: true)))
        for text in ["<a tiff:Orientation=\"6\"/>", "<tiff:Orientation>6</tiff:Orientation>", "tiff:Orientation, tiff:Orientation=\"6\""] {
            #expect(try decode(file(with: packet(text))) == turned)
        }
        let plain = try decode(KnownPictures.file("baseline"))
        let whole = packet("<a tiff:Orientation=\"6")
        for segment in [packet("tiff:Orientation=\"9\""), packet("tiff:Orientation='6'"), packet("Orientation=\"6\"")] + (0..<whole.count - 1).map({ Array(whole[..<$0]) }) {
            #expect(try decode(file(with: segment)) == plain)
        }
    }

    @Test func lyingExifDataIsNotBelieved() throws {
        let plain = try decode(KnownPictures.file("baseline"))
        let good = exif(6, isLittle: true)
        var broken = [
            exif(0, isLittle: true), exif(9, isLittle: false), exif(6, isLittle: true, type: 4), exif(6, isLittle: true, count: 2),
            exif(6, isLittle: false, offset: 0xFFFF_FFFF), exif(6, isLittle: true, offset: 42), Array("Exif".utf8), [], [1, 2, 3],
        ]
        // Cut anywhere; the tag's value ends eight bytes before the end.
        broken += (0..<good.count - 6).map { Array(good[..<$0]) }
        for segment in broken { #expect(try decode(file(with: segment)) == plain, "\(segment)") }
        #expect(try decode(file(with: good)) != plain)
        // Nothing outside of the file is read, wherever that ends.
        let whole = file(with: good)
        for end in 0..<80 { withExtendedLifetime(Array(whole[..<end])) { _ = try? decode($0) } }
    }
}
