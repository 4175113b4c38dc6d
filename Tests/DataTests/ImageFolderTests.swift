import Glibc
import Synchronization
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

@Suite(.timeLimit(.minutes(15))) struct ImageFolderTests {
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
        // Beside other folders this is a class; alone it is a part.
        folder.folder("train")
        check("/b holds no pictures")
        let alone = TemporaryFolder()
        alone.folder("train")
        expectError("/train holds no folder") { _ = try ImageFolder(path: alone.path) }
    }

    @Test func onlyPartsAloneArePartsOfADataSet() throws {
        try fill(["plane": 2, "train": 3])
        #expect(try ImageFolder(path: folder.path).classes == ["plane", "train"])
        for name in ["plane"] { rename("\(folder.path)/\(name)", "\(folder.path)/test") }
        expectError("/train holds no folder") { _ = try ImageFolder(path: folder.path) }
        let other = TemporaryFolder()
        for name in ["train/a", "train/b", "test/a", "test/b"] { other.file("\(name)/1.png", try png(1)) }
        let images = try ImageFolder(path: other.path)
        #expect(images.isSplit && images.trainingCount == 2 && images.validationCount == 2)
        // Of several the first of val, valid, validation and test.
        other.file("val/a/1.png", try png(1))
        #expect(try ImageFolder(path: other.path).validationCount == 1)
    }

    @Test func namesNeedNotBeUTF8() throws {
        try fill(["a": 1, "b": 1])
        let odd = "\(folder.path)/a/caf".utf8CString.dropLast() + [CChar(bitPattern: 0xE9)] + ".png".utf8CString
        #expect(rename("\(folder.path)/a/10.png", Array(odd)) == 0)
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain, unreadable: .fatal)
        #expect(try BatchLoader(set, batchSize: 2, seed: nil, epochs: 1).next()?.count == 2)
        #expect(paths(set) == ["a/caf\u{FFFD}.png", "b/10.png"])
        mkdir(Array("\(folder.path)/".utf8CString.dropLast() + [CChar(bitPattern: 0xE9), 0]), 0o777)
        expectError("/\u{FFFD} is no UTF-8", "rename") { _ = try ImageFolder(path: folder.path) }
        rmdir(Array("\(folder.path)/".utf8CString.dropLast() + [CChar(bitPattern: 0xE9), 0]))
        unlink(Array(odd))
    }

    @Test func contentsTellWhatHasChanged() throws {
        try fill(["a": 4, "b": 4])
        func contents(_ fraction: Double = 0, seed: UInt64 = 0) throws -> [DataFingerprint.Part] {
            try ImageFolder(path: folder.path, validationFraction: fraction, seed: seed).fingerprint().parts
        }
        let first = try contents()
        #expect(first.map(\.count) == [4, 4] && first[0] != first[1])
        #expect(try contents(0.5) == first && contents(0.25, seed: 9) == first, "chance has no part in it")
        #expect(first.map(\.name) == ["a", "b"])
        rename("\(folder.path)/a/10.png", "\(folder.path)/a/9.png")
        let renamed = try contents()
        #expect(renamed[0] != first[0] && renamed[1] == first[1] && renamed[0].count == 4)
        rename("\(folder.path)/a/9.png", "\(folder.path)/a/10.png")
        #expect(try contents() == first)
        folder.file("b/11.png", try png(1) + [0])
        let grown = try contents()
        #expect(grown[0] == first[0] && grown[1] != first[1] && grown[1].count == 4)
        folder.file("b/20.png", [])
        #expect(try contents()[1].count == 5)
        let other = TemporaryFolder()
        for name in ["train/a", "train/b"] { other.file("\(name)/1.png", [1]) }
        let before = try ImageFolder(path: other.path).fingerprint()
        other.file("val/a/1.png", [1])
        unlink("\(other.path)/train/b/1.png")
        other.file("train/b/2.png", [1])
        #expect(try ImageFolder(path: other.path).fingerprint() != before)
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
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain, unreadable: .fatal)
        let loader = try BatchLoader(set, batchSize: 4, seed: nil, epochs: 1, threads: 4)
        #expect(try loader.next() != nil)
        for _ in 0..<2 { expectError("b/11.png", "is empty") { _ = try loader.next() } }
    }

    /// None is counted twice, and a batch of which nothing is left does not come.
    @Test func corruptPicturesAreLeftOutOfEvaluation() throws {
        try fill(["a": 5, "b": 5])
        for (name, bytes) in [("a/11", [UInt8]()), ("a/13", [1]), ("b/10", []), ("b/11", [0])] { folder.file("\(name).png", bytes) }
        for threads in [1, 3] {
            let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain, unreadable: .leftOut)
            let loader = try BatchLoader(set, batchSize: 2, seed: nil, epochs: 1, readAhead: 2, threads: threads)
            var (values, labels, indices): ([Int], [Int32], [Int]) = ([], [], [])
            while let batch = try loader.next() {
                #expect((1...2).contains(batch.count))
                let pixels = batch.values(of: "image", as: Float.self)
                values += (0..<batch.count).map { Int(pixels[$0 * 108 + 107] * 255 + 0.5) }
                labels += batch.values(of: "label", as: Int32.self)
                indices += batch.indices
            }
            // Batches are (0, 1), (2, 3), (4, 5), (6, 7), (8, 9); 1, 3, 5 and 6 are broken.
            #expect(values == [0, 2, 4, 52, 53, 54] && labels == [0, 0, 0, 1, 1, 1] && indices == [0, 2, 4, 7, 8, 9])
            #expect(set.unreadableCount == 4)
            #expect(set.takeRemarks().allSatisfy { $0.hasSuffix("; it is left out") })
        }
        folder.file("b/12.png", [])
        folder.file("b/13.png", [])
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain, unreadable: .leftOut)
        let loader = try BatchLoader(set, batchSize: 4, seed: nil, epochs: 1)
        var counts: [Int] = []
        while let batch = try loader.next() { counts.append(batch.count) }
        #expect(counts == [2, 1, 1])
    }

    /// A long row of broken files, as of a disk that failed in the middle, ends nothing; each is tried once for all samples.
    @Test func manyCorruptPicturesInARow() throws {
        for i in 0..<150 { folder.file("a/\(i + 100).png", [0]) }
        folder.file("b/1.png", try png(50))
        let set = try ImageFolder(path: folder.path, validationFraction: 0).training(plain)
        let batch = try #require(try BatchLoader(set, batchSize: 151, seed: nil, epochs: 1, threads: 2).next())
        #expect(batch.values(of: "label", as: Int32.self) == [Int32](repeating: 1, count: 151))
        #expect(set.unreadableCount == 150)
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
        expectError("none of the 3 pictures can be read", "2/x.png") {
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

    // MARK: Memory

    /// Pictures for which there is no room wait, and one that is larger than all room is alone.
    @Test func decodingIsBounded() throws {
        let room = DecodingRoom(byteCount: 1200)
        final class Counts: Sendable { let inside = Atomic(0), wrong = Atomic(0), pairs = Atomic(0) }
        let counts = Counts()
        let threads = try (0..<6).map { number in
            try WorkerThread {
                for _ in 0..<20 {
                    // 480 bytes each, of which two have room; each second thread asks for more than all.
                    room.use(for: PictureSize(height: number % 2 == 0 ? 40 : 400, width: 1)) {
                        let now = counts.inside.add(number % 2 == 0 ? 1 : 100, ordering: .relaxed).newValue
                        // At most two small ones, or a large one alone.
                        if now > 2 && now != 100 { counts.wrong.add(1, ordering: .relaxed) }
                        if now == 2 { counts.pairs.add(1, ordering: .relaxed) }
                        usleep(100)
                        counts.inside.subtract(number % 2 == 0 ? 1 : 100, ordering: .relaxed)
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(counts.wrong.load(ordering: .relaxed) == 0 && counts.pairs.load(ordering: .relaxed) > 0)
        #expect(throws: SomaError.self) { try room.use(for: PictureSize(400)) { throw SomaError("no") } }
        room.use(for: PictureSize(400)) {}
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
