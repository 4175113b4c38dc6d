import Glibc
import Testing

@testable import Soma

/// Classes whose names systems spell in different ways: `é` in one code point, or as `e` and an accent, as macOS has it.
@Suite(.timeLimit(.minutes(15))) struct ClassNameTests {
    let folder = TemporaryFolder()
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    private func fill(_ names: [String], below prefix: String, count: Int = 4) throws {
        for (place, name) in names.enumerated() {
            for number in 0..<count {
                let pixels = [UInt8](repeating: UInt8(place * 50 + number), count: 36)
                folder.file("\(prefix)/\(name)/\(number).png", try Picture(width: 6, height: 6, channels: 1, pixels: pixels).encoded())
            }
        }
    }

    private func images(_ name: String, fraction: Double = 0.25, labelledAs known: [String] = []) throws -> ImageFolder {
        try ImageFolder(path: "\(folder.path)/\(name)", validationFraction: fraction, labelledAs: known)
    }

    /// The first byte of each picture of a list, and its class.
    private func samples(_ set: ImageFileDataSet) throws -> [[Int]] {
        var result: [[Int]] = []
        let loader = try BatchLoader(set, batchSize: 3, seed: nil, epochs: 1)
        while let batch = try loader.next() {
            let (values, labels) = (batch.values(of: "image", as: Float.self), batch.values(of: "label", as: Int32.self))
            for row in 0..<batch.count { result.append([Int((values[row * values.count / batch.count] * 255).rounded()), Int(labels[row])]) }
        }
        return result
    }

    /// By the canonical order of Unicode: U+0F71 has the class 129, U+0F80 and U+0F72 have 130.
    @Test func accentsAreInOrder() {
        #expect(Array("\u{F78}\u{F73}".composed.unicodeScalars) == ["\u{FB3}", "\u{F71}", "\u{F80}", "\u{F72}"])
    }

    /// The bytes decide between `cafz` and the decomposed name, and would swap the labels.
    @Test func bothFormsGiveTheSameLabelsAndTheSamePictures() throws {
        try fill(["cafz", composed], below: "a")
        try fill(["cafz", decomposed], below: "b")
        let (a, b) = (try images("a"), try images("b"))
        #expect(a.classes.map { Array($0.utf8) } == [Array("cafz".utf8), Array(composed.utf8)])
        #expect(b.classes.map { Array($0.utf8) } == a.classes.map { Array($0.utf8) })
        let plain: [any ImageTransform] = [Resize(PictureSize(6))]
        #expect(try samples(a.training(plain, channels: 1)) == samples(b.training(plain, channels: 1)))
        #expect(try samples(a.validation(plain, channels: 1)) == samples(b.validation(plain, channels: 1)))
        // A copy in the other form is the same data set.
        #expect(a.fingerprint() == b.fingerprint())
    }

    @Test func partsInDifferentForms() throws {
        try fill(["cafz", composed], below: "d/train")
        try fill(["cafz", decomposed], below: "d/val", count: 6)
        let images = try images("d")
        #expect((images.trainingCount, images.validationCount) == (8, 12))
        #expect(images.classCounts.map(\.validation) == [6, 6] && images.remarks.isEmpty)
    }

    /// Names of files, too, are in one order whatever their form: which pictures chance holds out depends on it.
    @Test func filesAreInOneOrder() throws {
        for (prefix, name) in [("a", composed), ("b", decomposed)] {
            try fill(["x", "y"], below: prefix)
            for file in [name, "cafz"] { folder.file("\(prefix)/x/\(file).png", try #require(contents("\(folder.path)/\(prefix)/x/0.png"))) }
        }
        func names(_ images: ImageFolder) -> [String] {
            (0..<images.trainingList.count).map { String(decoding: Array(images.trainingList.relativePath($0)).composed, as: UTF8.self) }
        }
        #expect(try names(images("a", fraction: 0)) == names(images("b", fraction: 0)))
        #expect(try images("a").fingerprint() == images("b").fingerprint())
    }

    @Test func oneClassInTwoFoldersIsRefused() throws {
        try fill([composed, decomposed, "x"], below: "d")
        expectError("two folders called '\(composed)', in two forms of Unicode", "into one of them") { _ = try images("d") }
    }

    /// The order of the labels is what a checkpoint says, and new classes come last.
    @Test func labelsGoByName() throws {
        try fill(["a", "b", decomposed], below: "d")
        let images = try images("d", fraction: 0, labelledAs: [composed, "gone", "b"])
        #expect(images.classes == [composed, "b", "a"])
        #expect(try samples(images.training([Resize(PictureSize(6))], channels: 1)).map { $0[1] } == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
        #expect(try samples(images.training([Resize(PictureSize(6))], channels: 1)).first == [100, 0])
    }

    @Test func whatIsInOnePartAloneIsTold() throws {
        try fill(["a", "b", "c"], below: "d/train")
        try fill(["b"], below: "d/val")
        #expect(try images("d").remarks == ["the class 'a' has no pictures in \(folder.path)/d/val, and so it is with 1 more"])
        // Nothing is held out of a class of one picture.
        try fill(["a", "b"], below: "e", count: 8)
        folder.file("e/c/1.png", [1])
        #expect(try images("e").remarks == ["the class 'c' has no pictures held out: it has too few"])
        #expect(try images("e", fraction: 0).remarks.isEmpty)
        // Nor is a second part passed over in silence.
        try fill(["a", "b", "c"], below: "d/test")
        #expect(try images("d").remarks.first == "\(folder.path)/d/test is not used: val is what is held out")
    }

    /// Pictures beside the folders of classes belong to none, and are counted.
    @Test func picturesOfNoClassAreCounted() throws {
        try fill(["a", "b"], below: "d")
        folder.file("d/stray.png", [1])
        folder.file("d/readme.txt", [1])
        #expect(try images("d").ignoredCount == 1)
    }
}
