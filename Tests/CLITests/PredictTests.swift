import Glibc
import Soma
import Testing

@testable import SomaCLI

/// Pictures of the embedded digits, in all forms in which they may come.
@Suite struct PredictTests {
    let folder = TestFolder()

    @Test func picturesOfAllKinds() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "6", "hidden=64", in: folder).status == 0)
        let checkpoint = "runs/digits/best.safetensors"
        try folder.write("digits.idx", [0, 0, 8, 3, 0, 0, 7, 5, 0, 0, 0, 8, 0, 0, 0, 8] + Digits.images.withBytes { Array($0) })
        let all = Command.soma("predict", checkpoint, "digits.idx", "--top", "1", in: folder).lines.map { $0.split(separator: " ")[1] }
        try #require(all.count == 1797)
        let right = zip(all, Digits.labels.withBytes { Array($0) }).count { Int($0) == Int($1) }
        #expect(right > 1600)
        var agreements = 0
        for number in 0..<12 {
            let ink = Digits.images.withSample(number) { Array($0).map { min(Int($0) * 16, 255) } }
            try folder.write("small.png", try PNGImage(width: 8, height: 8, channels: 1, pixels: ink.map { UInt8($0) }).encoded())
            try folder.write("dark.png", try PNGImage(width: 8, height: 8, channels: 1, pixels: ink.map { UInt8(255 - $0) }).encoded())
            try folder.write("large.png", try large(ink).encoded())
            let lines = Command.soma("predict", checkpoint, "small.png", "dark.png", "large.png", "--json", in: folder).lines
            let classes = try lines.map { try JSON(parsing: $0)["class"]?.string }
            #expect(classes.count == 3 && classes[0] == String(all[number]) && classes[1] == classes[0])
            if classes.last == classes.first { agreements += 1 }
        }
        // Enlarged, cut out and reduced again a digit changes a little.
        #expect(agreements >= 10, "\(agreements) of 12")
        Command.soma("predict", checkpoint, "digits.idx", "--index", "1797", in: folder).expectComplaint(1, "1797 pictures")
    }

    /// Dark on light, in colour, each pixel 11 wide, off the middle of a larger sheet.
    private func large(_ ink: [Int]) throws -> PNGImage {
        var pixels = [UInt8](repeating: 255, count: 140 * 120 * 3)
        for row in 0..<88 {
            for column in 0..<88 {
                for channel in 0..<3 { pixels[((row + 20) * 140 + column + 40) * 3 + channel] = UInt8(255 - ink[row / 11 * 8 + column / 11]) }
            }
        }
        return PNGImage(width: 140, height: 120, channels: 3, pixels: pixels)
    }

    @Test func picturesAreCentred() throws {
        var pixels = [UInt8](repeating: 250, count: 50 * 30)
        for row in 3..<13 { for column in 30..<34 { pixels[row * 50 + column] = 10 } }
        let picture = try InkPicture(PNGImage(width: 50, height: 30, channels: 1, pixels: pixels), path: "x").fitted(rows: 28, columns: 28)
        // A bar of 10 by 4 pixels becomes one of 20 by 8, in the middle.
        for row in 0..<28 {
            for column in 0..<28 {
                let isDrawn = (4..<24).contains(row) && (10..<18).contains(column)
                #expect(abs(picture.ink[row * 28 + column] - (isDrawn ? 1 : 0.02)) < 0.03, "\(row) \(column)")
            }
        }
    }
}
