import SomaReference
import Testing

@testable import Soma

/// Pictures that follow one another in one PNG file, read back frame by frame.
@Suite struct AnimatedPictureTests {
    let folder = TemporaryFolder()

    private func picture(_ number: Int, width: Int = 37, height: Int = 23, channels: Int) -> Picture {
        let factor = 31 + number
        let pixels = (0..<width * height * channels).map { UInt8(truncatingIfNeeded: $0 * factor + number) }
        return Picture(width: width, height: height, channels: channels, pixels: pixels)
    }

    private func number(_ bytes: some Collection<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// The chunks of a file, whose checks are right.
    private func chunks(_ path: String) throws -> [(name: String, data: [UInt8])] {
        let bytes = Array(try SmallFile.read(path, limit: 1 << 24))
        #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
        var (place, result) = (8, [(name: String, data: [UInt8])]())
        while place < bytes.count {
            let length = number(bytes[place..<place + 4])
            let body = Array(bytes[place + 4..<place + 8 + length])
            #expect(number(bytes[place + 8 + length..<place + 12 + length]) == Int(crc32(body)))
            result.append((String(decoding: body.prefix(4), as: UTF8.self), Array(body.dropFirst(4))))
            place += length + 12
        }
        return result
    }

    @Test(arguments: [1, 3]) func framesComeBack(channels: Int) throws {
        let path = "\(folder.path)/moves.png"
        let frames = (0..<4).map { picture($0, channels: channels) }
        try AnimatedPicture.write(4, poster: picture(9, channels: channels), milliseconds: 150, lastMilliseconds: 900, to: path) { frames[$0] }
        // Whoever knows no animation reads the poster.
        #expect(try Picture(path: path) == picture(9, channels: channels))
        let chunks = try chunks(path)
        #expect(chunks.map(\.name).prefix(3) == ["IHDR", "acTL", "IDAT"] && chunks.last?.name == "IEND")
        #expect(chunks[1].data == [0, 0, 0, 4, 0, 0, 0, 0])
        let moving = chunks.filter { $0.name == "fcTL" || $0.name == "fdAT" }
        #expect(moving.enumerated().allSatisfy { number($1.data.prefix(4)) == $0 }, "numbered without a gap")
        let controls = moving.filter { $0.name == "fcTL" }.map(\.data)
        #expect(controls.map { number($0[20..<22]) } == [150, 150, 150, 900])
        for control in controls { #expect([4, 8].map { number(control[$0..<$0 + 4]) } == [37, 23] && number(control[22..<24]) == 1000 && control.count == 26) }
        // A frame as a file of its own.
        let starts = moving.indices.filter { moving[$0].name == "fcTL" } + [moving.count]
        for (index, frame) in frames.enumerated() {
            let data = moving[starts[index] + 1..<starts[index + 1]].flatMap { PNGTests.chunk("IDAT", Array($0.data.dropFirst(4))) }
            var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            for part in [PNGTests.chunk("IHDR", chunks[0].data), data, PNGTests.chunk("IEND", [])] { bytes += part }
            #expect(try PNGTests.decode(bytes) == frame, "\(index)")
        }
    }

    @Test func framesOfOtherSizesAreRefused() throws {
        let path = "\(folder.path)/moves.png"
        try picture(1, channels: 1).write(to: path)
        for other in [picture(1, width: 36, channels: 1), picture(1, channels: 3)] {
            #expect { try AnimatedPicture.write(2, poster: picture(0, channels: 1), to: path) { $0 == 0 ? picture(0, channels: 1) : other } } throws: {
                "\($0)".contains("frame 2 of \(path)")
            }
        }
        #expect(try Picture(path: path) == picture(1, channels: 1), "the old file is as it was")
    }

    @Test func checksOfKnownBytes() { #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926 && CRC32.of([]) == 0) }

    // MARK: Sheets

    @Test func sheetsAreNearASquare() throws {
        func extents(_ count: Int) throws -> [Int] {
            let sheet = try PictureSheet(count: count, tile: PictureSize(height: 3, width: 5), channels: 1)
            return [sheet.rows, sheet.columns, sheet.picture.height, sheet.picture.width]
        }
        #expect(try extents(1) == [1, 1, 3, 5])
        #expect(try extents(5) == [2, 3, 8, 19])
        #expect(try extents(64) == [8, 8, 38, 54])
    }

    @Test func tilesLieInRows() throws {
        var sheet = try PictureSheet(count: 3, tile: PictureSize(height: 1, width: 2), channels: 3)
        sheet.add([-1, 1, 0, 0, 3, -3], from: -1...1)
        sheet.add([.nan, 1, 1, 1, 1, 1], from: -1...1)
        sheet.add([1, 1, 1, 1, 1, 1], from: 0...1)
        let (picture, ground) = (sheet.picture, [UInt8](repeating: 64, count: 3))
        let line = (0..<6).flatMap { _ in ground }
        #expect(picture.width == 6 && picture.height == 4)
        var rows: [UInt8] = [0, 128, 255, 255, 128, 0]
        for part in [ground, ground, [0, 255, 255, 255, 255, 255], line, line, [UInt8](repeating: 255, count: 6), ground, ground, ground, ground] { rows += part }
        #expect(picture.pixels == rows)
    }

    @Test func sheetsOfTensors() throws {
        let device = Device(running: InterpretingBackend())
        let values = (0..<3 * 3 * 2 * 4).map { Float($0) / 71 }
        var expected = try PictureSheet(count: 3, tile: PictureSize(height: 2, width: 4), channels: 3)
        for index in 0..<3 { expected.add(Array(values[index * 24..<(index + 1) * 24]), from: 0...1) }
        let pictures = Tensor(values, shape: [3, 3, 2, 4], device: device)
        #expect(try PictureSheet(pictures, from: 0...1).picture == expected.picture)
        let row = try PictureSheet(pictures, from: 0...1, columns: 8)
        #expect([row.rows, row.columns, row.picture.width, row.picture.height] == [1, 3, 16, 2], "no more columns than pictures")
        let column = try PictureSheet(pictures, from: 0...1, columns: 1)
        #expect([column.rows, column.columns, column.picture.width, column.picture.height] == [3, 1, 4, 10])
        #expect { _ = try PictureSheet(count: 10_000, tile: PictureSize(28), channels: 1, columns: 1) } throws: { "\($0)".contains("in 1 column would") }
    }

    @Test func sheetsThatAreTooLarge() {
        let size = PictureSize(28)
        for count in [1_000_000_000, Int.max, 110_890] {
            #expect { _ = try PictureSheet(count: count, tile: size, channels: 1) } throws: { "\($0)".contains("at most 110,889 of 28×28 pixels fit") }
        }
        #expect(throws: Never.self) { _ = try PictureSheet(count: 110_889, tile: size, channels: 1) }
        #expect { _ = try PictureSheet(count: 1, tile: PictureSize(16_385), channels: 1) } throws: { "\($0)".contains("too large by itself") }
    }

    /// The numbers of a sample do not depend on how many there are.
    @Test func randomNumbersOfASample() {
        let noise = NoiseSource(count: 5, seed: 7)
        #expect(noise.values(3) == NoiseSource(count: 5, seed: 7).values(3) && noise.values(3).count == 5)
        #expect(Array(NoiseSource(count: 8, seed: 7).values(3).prefix(4)) == Array(noise.values(3).prefix(4)))
        #expect(Set((0..<6).map(noise.values)).count == 6 && noise.values(3) != NoiseSource(count: 5, seed: 8).values(3))
        let many = (0..<2000).flatMap(noise.values)
        var (sum, squares): (Float, Float) = (0, 0)
        for value in many { (sum, squares) = (sum + value, squares + value * value) }
        #expect((sum / 10_000).magnitude < 0.03 && (squares / 10_000 - 1).magnitude < 0.05)
    }
}
