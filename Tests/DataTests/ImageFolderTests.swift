import Glibc
import Testing

@testable import Soma

/// Reads every batch of a loader: the values of a field, one sample after the other.
private func samples(_ loader: BatchLoader, count: Int) throws -> [[Float]] {
    var result: [[Float]] = []
    while let batch = try loader.next() {
        let values = batch.values(of: "image", as: Float.self)
        let size = values.count / batch.count
        result += (0..<batch.count).map { Array(values[$0 * size..<($0 + 1) * size]) }
    }
    #expect(result.count == count)
    return result
}

@Suite(.timeLimit(.minutes(1))) struct ImageFolderTests {
    let folder = TemporaryFolder()

    /// A grey PNG file of 6×6 pixels of this value.
    private func png(_ value: UInt8) throws -> [UInt8] {
        try Picture(width: 6, height: 6, channels: 1, pixels: [UInt8](repeating: value, count: 36)).encoded()
    }

    /// So many pictures of each class, with values that tell one from the other.
    private func fill(_ counts: [String: Int], below prefix: String = "") throws {
        for (place, (name, count)) in counts.sorted(by: { $0.key < $1.key }).enumerated() {
            for i in 0..<count { folder.file("\(prefix)\(name)/\(i + 10).png", try png(UInt8(place * 50 + i))) }
        }
    }

    private func paths(_ set: ImageFileDataSet) -> [String] {
        (0..<set.count).map { String(set.path(of: $0).dropFirst(folder.path.count + 1)) }
    }

    private let plain: [any ImageTransform] = [Resize(PictureSize(6))]

    @Test func classesAndFilesAreSorted() throws {
        try fill(["b": 2, "a": 1, "C": 1])
        folder.file("a/deeper/x.JPEG", KnownPictures.file("grey"))
        folder.file("a/notes.txt", [1])
        folder.file("b/.hidden.png", [1])
        let images = try ImageFolder(path: folder.path, validationFraction: 0)
        #expect(images.classes == ["C", "a", "b"])
        #expect(images.ignoredCount == 1)
        let set = images.training(plain)
        #expect(paths(set) == ["C/10.png", "a/10.png", "a/deeper/x.JPEG", "b/10.png", "b/11.png"])
        #expect(set.fields == [Field("image", .float32, [3, 6, 6]), Field("label", .int32, [])])
        let batch = try #require(try BatchLoader(set, batchSize: 5, seed: nil, epochs: 1).next())
        #expect(batch.values(of: "label", as: Int32.self) == [0, 1, 1, 2, 2])
        let values = batch.values(of: "image", as: Float.self)
        for (place, value) in [(0, 0), (108, 50), (4 * 108 + 107, 101)] { #expect(abs(values[place] * 255 - Float(value)) < 1e-4) }
    }

    @Test func foldersForTrainingAndValidation() throws {
        try fill(["a": 3, "b": 4], below: "train/")
        try fill(["a": 1, "b": 2], below: "val/")
        let images = try ImageFolder(path: folder.path)
        #expect((images.trainingCount, images.validationCount) == (7, 3))
        #expect(paths(images.validation(plain)) == ["val/a/10.png", "val/b/10.png", "val/b/11.png"])
        // A class of which nothing is held out keeps its number.
        folder.folder("val")
        for name in ["10.png"] { unlink("\(folder.path)/val/a/\(name)") }
        rmdir("\(folder.path)/val/a")
        let batch = try #require(
            try BatchLoader(ImageFolder(path: folder.path).validation(plain), batchSize: 9, seed: nil).next())
        #expect(batch.values(of: "label", as: Int32.self) == [1, 1])
        folder.file("val/c/1.png", try png(1))
        expectError("val has the class 'c', which", "train has not") { _ = try ImageFolder(path: folder.path) }
    }

    @Test func holdsOutAShareOfEachClass() throws {
        try fill(["a": 20, "b": 10, "c": 5])
        let images = try ImageFolder(path: folder.path, validationFraction: 0.2, seed: 3)
        #expect((images.trainingCount, images.validationCount) == (28, 7))
        let (training, heldOut) = (paths(images.training(plain)), paths(images.validation(plain)))
        #expect(Set(training).union(heldOut).count == 35)
        #expect(["a", "b", "c"].map { name in heldOut.filter { $0.hasPrefix(name) }.count } == [4, 2, 1])
        #expect(try paths(ImageFolder(path: folder.path, validationFraction: 0.2, seed: 3).validation(plain)) == heldOut)
        #expect(try paths(ImageFolder(path: folder.path, validationFraction: 0.2, seed: 4).validation(plain)) != heldOut)
    }

    @Test func namesWhatIsMissing() throws {
        func check(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
            do {
                _ = try ImageFolder(path: folder.path)
                Issue.record("nothing was thrown", sourceLocation: sourceLocation)
            } catch {
                for word in words { #expect("\(error)".contains(word), sourceLocation: sourceLocation) }
            }
        }
        expectError("/proc/nonexistent", "No such file") { _ = try ImageFolder(path: "/proc/nonexistent") }
        expectError(folder.path + "/x", "Not a directory") { _ = try ImageFolder(path: folder.file("x", [1])) }
        check("holds no folder", "each class needs a folder")
        try fill(["a": 2])
        check("holds the one class 'a'")
        folder.file("b/readme.txt", [1])
        check("/b holds no pictures")
        folder.folder("train")
        check("/train holds no folder")
    }

    @Test func linksThatLeadInCirclesEnd() throws {
        try fill(["a": 1, "b": 1])
        symlink("..", "\(folder.path)/a/loop")
        symlink(".", "\(folder.path)/a/self")
        symlink("../b", "\(folder.path)/a/other")
        symlink("nowhere.png", "\(folder.path)/b/broken.png")
        let images = try ImageFolder(path: folder.path, validationFraction: 0)
        // Each picture once below "a", whichever way leads to it, and the link that leads nowhere is a picture to be named.
        #expect(paths(images.training(plain)) == ["a/10.png", "a/loop/b/10.png", "a/loop/b/broken.png", "b/10.png", "b/broken.png"])
    }

    // MARK: Corrupt pictures

    @Test func corruptPicturesAreReplacedAndNamed() throws {
        try fill(["a": 4, "b": 4])
        folder.file("a/11.png", [])
        folder.file("a/12.png", Array(try png(7).dropLast(30)))
        folder.file("b/13.png", Array("no picture".utf8))
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain)
        let batch = try #require(try BatchLoader(set, batchSize: 8, seed: nil, epochs: 1, threads: 3).next())
        let values = batch.values(of: "image", as: Float.self)
        #expect((0..<8).map { Int(values[$0 * 108] * 255 + 0.5) } == [0, 3, 3, 3, 50, 51, 52, 0])
        #expect(batch.values(of: "label", as: Int32.self) == [0, 0, 0, 0, 1, 1, 1, 0])
        #expect(set.unreadableCount == 3)
        let remarks = set.takeRemarks()
        #expect(remarks.count == 3)
        for words in [["a/11.png", "is empty"], ["a/12.png", "truncated"], ["b/13.png", "neither"]] {
            #expect(remarks.contains { remark in words.allSatisfy(remark.contains) }, "\(words)")
        }
        #expect(set.takeRemarks().isEmpty)
    }

    @Test func corruptPicturesAreFatalWhereThatIsWanted() throws {
        try fill(["a": 4, "b": 4])
        folder.file("b/11.png", [])
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain, isStrict: true)
        let loader = try BatchLoader(set, batchSize: 4, seed: nil, epochs: 1, threads: 4)
        #expect(try loader.next() != nil)
        for _ in 0..<2 { expectError("b/11.png", "is empty") { _ = try loader.next() } }
    }

    @Test func onlyTheFirstFewAreNamed() throws {
        try fill(["a": 20, "b": 1])
        for i in 0..<20 { folder.file("a/\(i + 10).png", [0]) }
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain)
        _ = try BatchLoader(set, batchSize: 21, seed: nil, epochs: 1).next()
        let remarks = set.takeRemarks()
        #expect(remarks.count == 6 && remarks.last?.contains("20 pictures cannot be read") == true)
    }

    @Test func nothingButCorruptPicturesIsAnError() throws {
        for i in 0..<3 { folder.file("\(i)/x.png", [0]) }
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain)
        expectError("3 pictures in a row cannot be read", "2/x.png") {
            _ = try BatchLoader(set, batchSize: 3, seed: nil, epochs: 1, threads: 1).next()
        }
    }

    @Test func picturesThatMayNotBeReadAreNamed() throws {
        try fill(["a": 2, "b": 2])
        unlink("\(folder.path)/a/10.png")
        mkfifo("\(folder.path)/a/10.png", 0o666)
        symlink("/proc/nonexistent", "\(folder.path)/a/12.jpg")
        let images = try ImageFolder(path: folder.path, validationFraction: 0)
        #expect(images.ignoredCount == 1)
        let set = images.training(plain)
        _ = try BatchLoader(set, batchSize: 4, seed: nil, epochs: 1).next()
        #expect(set.takeRemarks().first?.contains("a/12.jpg: No such file") == true)
    }

    /// Pictures of all modes come out alike, and one that would fill the memory is named with its size.
    @Test func picturesOfAllModesAndATrap() throws {
        let palette = PNGTests.chunk("PLTE", [255, 0, 0, 0, 0, 255])
        let files: [[UInt8]] = [
            PNGTests.png(width: 2, height: 1, colour: 3, extra: palette, rows: [0, 0, 1]),
            PNGTests.png(width: 2, height: 1, colour: 6, rows: [0, 255, 0, 0, 255, 0, 0, 255, 255]),
            PNGTests.png(width: 2, height: 1, depth: 16, colour: 2, rows: [0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]),
            PNGTests.png(width: 2, height: 1, colour: 0, rows: [0, 76, 29]),
        ]
        for (i, bytes) in files.enumerated() { folder.file("a/\(i).png", bytes) }
        folder.file("b/0.png", PNGTests.png(width: 60_000, height: 60_000, colour: 2, rows: [0]))
        folder.file("b/1.jpg", KnownPictures.file("cmyk"))
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training([Resize(PictureSize(height: 1, width: 2))], channels: 1)
        let batch = try #require(try BatchLoader(set, batchSize: 6, seed: nil, epochs: 1).next())
        let values = batch.values(of: "image", as: Float.self).map { Int(($0 * 255).rounded()) }
        for row in 0..<4 { #expect(values[2 * row..<2 * row + 2] == [76, 29]) }
        #expect(values[8..<10] == values[10..<12])
        let remarks = set.takeRemarks()
        #expect(remarks.count == 1 && remarks[0].contains("b/0.png: it is 60000×60000 pixels, more than 16384 a side"), "\(remarks)")
    }

    // MARK: Threads

    private static let everything: [any ImageTransform] = [
        RandomResizedCrop(12), RandomHorizontalFlip(), RandomAffine(degrees: 20, shift: 2, scale: 0.9...1.1),
        ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4), RandomCrop(10, padding: 2), Normalize.imageNet,
    ]

    /// Four threads give what one gives, with corrupt files among them, over epochs, and where a run is resumed.
    @Test func threadsDoNotChangeWhatIsRead() throws {
        for i in 0..<40 {
            let name = KnownPictures.names[i % KnownPictures.names.count]
            folder.file("\(i % 3)/\(i).jpg", i % 11 == 5 ? [1] : KnownPictures.file(name))
        }
        func read(threads: Int, readAhead: Int, seed: UInt64, from start: BatchPosition = .start) throws -> [[Float]] {
            let set = try ImageFolder(path: folder.path, validationFraction: 0).training(Self.everything, seed: seed)
            let loader = try BatchLoader(
                set, batchSize: 7, seed: 5, epochs: 3, from: start, readAhead: readAhead, threads: threads)
            return try samples(loader, count: 120 - 40 * start.epoch - 7 * start.batch)
        }
        let reference = try read(threads: 1, readAhead: 1, seed: 1)
        for (threads, readAhead) in [(4, 3), (3, 1), (8, 5)] {
            #expect(try read(threads: threads, readAhead: readAhead, seed: 1) == reference)
        }
        let resumed = try read(threads: 4, readAhead: 3, seed: 1, from: BatchPosition(epoch: 1, batch: 2))
        #expect(resumed == Array(reference[54...]))
        #expect(try read(threads: 4, readAhead: 3, seed: 2) != reference)
        // No epoch sees the same picture twice in the same way.
        #expect(Set(reference).count == 120)
    }

    @Test func severalThreadsShareABatchAndStopAtOnce() throws {
        try fill(["a": 30, "b": 30])
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain)
        for _ in 0..<20 {
            let loader = try BatchLoader(set, batchSize: 16, seed: 1, readAhead: 2, threads: 4)
            #expect(try loader.next()?.count == 16)
        }
    }
}
