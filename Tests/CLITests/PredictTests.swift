import Glibc
@testable import Soma
import Testing

@testable import SomaCLI

/// Pictures of the embedded digits, in all forms in which they may come.
@Suite struct PredictTests {
    let folder = TestFolder()

    @Test func picturesOfAllKinds() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "6", "hidden=64", in: folder).status == 0)
        let checkpoint = "runs/digits/best.safetensors"
        try folder.write("digits.idx", [0, 0, 8, 3, 0, 0, 7, 5, 0, 0, 0, 8, 0, 0, 0, 8] + (try Digits.images.withBytes { Array($0) }))
        let all = Command.soma("predict", checkpoint, "digits.idx", "--top", "1", in: folder).lines.map { $0.split(separator: " ")[1] }
        try #require(all.count == 1797)
        let right = try zip(all, Digits.labels.withBytes { Array($0) }).count { Int($0) == Int($1) }
        #expect(right > 1600)
        var agreements = 0
        for number in 0..<40 {
            let faint = try Digits.images.withSample(number) { Array($0) }
            let ink = faint.map { min(Int($0) * 16, 255) }
            func write(_ name: String, _ pixels: [UInt8]) throws {
                try folder.write(name, try Picture(width: 8, height: 8, channels: 1, pixels: pixels).encoded())
            }
            try write("small.png", ink.map { UInt8($0) })
            try write("dark.png", ink.map { UInt8(255 - $0) })
            try write("faint.png", faint)
            try folder.write("large.png", try large(ink).encoded())
            let lines = Command.soma(
                "predict", checkpoint, "small.png", "dark.png", "faint.png", "large.png", "--json", in: folder).lines
            let classes = try lines.map { try JSON(parsing: $0)["class"]?.string }
            #expect(classes.count == 4 && classes[0] == String(all[number]))
            #expect(classes[1] == classes[0] && classes[2] == classes[0])
            if classes.last == classes.first { agreements += 1 }
        }
        // Enlarged, cut out and reduced again a digit changes a little.
        #expect(agreements >= 36, "\(agreements) of 40")
        Command.soma("predict", checkpoint, "digits.idx", "--index", "1797", in: folder).expectComplaint(1, "1797 pictures")
    }

    /// Dark on light, in colour, each pixel 11 wide, off the middle of a larger sheet.
    private func large(_ ink: [Int]) throws -> Picture {
        var pixels = [UInt8](repeating: 255, count: 140 * 120 * 3)
        for row in 0..<88 {
            for column in 0..<88 {
                for channel in 0..<3 { pixels[((row + 20) * 140 + column + 40) * 3 + channel] = UInt8(255 - ink[row / 11 * 8 + column / 11]) }
            }
        }
        return Picture(width: 140, height: 120, channels: 3, pixels: pixels)
    }

    @Test func picturesAreCentred() throws {
        var pixels = [UInt8](repeating: 250, count: 50 * 30)
        for row in 3..<13 { for column in 30..<34 { pixels[row * 50 + column] = 10 } }
        let picture = try InkPicture(Picture(width: 50, height: 30, channels: 1, pixels: pixels), path: "x").fitted(rows: 28, columns: 28)
        // A bar of 10 by 4 pixels becomes one of 20 by 8, in the middle.
        for row in 0..<28 {
            for column in 0..<28 {
                let isDrawn = (4..<24).contains(row) && (10..<18).contains(column)
                #expect(abs(picture.ink[row * 28 + column] - (isDrawn ? 1 : 0.02)) < 0.03, "\(row) \(column)")
            }
        }
    }

    /// A picture that is laid out as those of MNIST are comes back from any size as it was.
    @Test(arguments: [2, 3, 8]) func enlargedPicturesComeBack(scale: Int) {
        // Twenty pixels high, wider below than above, with its centre of mass in the pixel at row 14, column 14.
        var ink = [Float](repeating: 0, count: 28 * 28)
        for row in 4..<24 {
            for column in 10...(row < 17 ? 15 : 21) { ink[row * 28 + column] = row < 17 ? 0.75 : 0.5 }
        }
        ink[5 * 28 + 11] = 1
        let fitted = enlarged(ink, scale).fitted(rows: 28, columns: 28)
        for place in ink.indices { #expect(abs(fitted.ink[place] - ink[place]) < 1e-4, "\(place / 28) \(place % 28)") }
    }

    /// So do real ones, nearly all: a few have a faint edge, or were laid out otherwise.
    @Test func realDigitsComeBack() throws {
        guard let folder = getenv("SOMA_DATA").map({ String(cString: $0) + "/mnist" }), access(folder, R_OK) == 0 else {
            print("skipped: realDigitsComeBack wants the folder mnist in SOMA_DATA")
            return
        }
        let images = try MNIST(folder: folder).testImages
        var same = 0
        for number in 0..<200 {
            let ink = try images.withSample(number) { $0.map { Float($0) / 255 } }
            let fitted = enlarged(ink, 3).fitted(rows: 28, columns: 28)
            if zip(ink, fitted.ink).allSatisfy({ abs($0 - $1) < 0.02 }) { same += 1 }
        }
        #expect(same >= 190, "\(same) of 200")
    }

    private func enlarged(_ ink: [Float], _ scale: Int) -> InkPicture {
        let side = 28 * scale
        let places = (0..<side * side).map { $0 / side / scale * 28 + $0 % side / scale }
        return InkPicture(rows: side, columns: side, ink: places.map { ink[$0] })
    }
}
