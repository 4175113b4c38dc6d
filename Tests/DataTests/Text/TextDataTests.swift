import Glibc
import Testing

@testable import Soma

@Suite struct TextDataTests {
    private let folder = TemporaryFolder()

    private func sequence(_ count: Int, vocabularyCount: Int = 1000) throws -> TokenSequence {
        let buffer = TokenBuffer(vocabularyCount: vocabularyCount)
        try buffer.append((0..<Int32(count)).map { $0 })
        return try buffer.sequence(name: "numbers")
    }

    // MARK: Files

    @Test func filesOfFolders() throws {
        for (name, text) in [("b.txt", "B"), ("a/c.md", "C"), ("a/d.TXT", "D"), ("e.png", "no"), (".hidden.txt", "no"), ("f", "no"), ("g.text", "")] {
            folder.file(name, Array(text.utf8))
        }
        symlink(folder.path, "\(folder.path)/a/loop")
        let files = try TextFiles(path: folder.path)
        #expect(files.count == 4 && files.byteCount == 3)
        #expect(try TokenSequence(of: files, ByteTokenizer()).tokens() == Array("CDB".utf8).map { Int32($0) })
        #expect(try TokenSequence(of: files, ByteTokenizer(), separator: 10).tokens() == Array("C\nD\nB\n\n".utf8).map { Int32($0) })
        #expect(try TokenSequence(of: TextFiles(path: "\(folder.path)/f"), ByteTokenizer()).count == 2)
        expectError("token 256 is none of the vocabulary of 256") { _ = try TokenSequence(of: files, ByteTokenizer(), separator: 256) }
        folder.folder("pictures")
        expectError("the folder \(folder.path)/pictures holds no text files; their names end in txt, text, md") {
            _ = try TextFiles(path: "\(folder.path)/pictures")
        }
        expectError("cannot read \(folder.path)/none") { _ = try TextFiles(path: "\(folder.path)/none") }
    }

    @Test func filesThatAreNoText() throws {
        func expect(_ words: String, _ bytes: [UInt8]) {
            let path = folder.file("x.txt", bytes)
            expectError(path, words) { _ = try TokenSequence(of: TextFiles(path: path), CharacterTokenizer(learningFrom: "ab\n")) }
        }
        expect("is empty", [])
        expect("is empty", [0xEF, 0xBB, 0xBF])
        expect("is not a text in UTF-8 but a text in UTF-16; save it as UTF-8", [0xFF, 0xFE, 0x61, 0, 0x62, 0])
        expect("is not a text in UTF-8 but gzip data", gzipStored([1, 2, 3]))
        expect("is not a text in UTF-8 but a pointer of Git LFS", Array("version https://git-lfs.github.com/spec/v1\n".utf8))
        expect("line 2, column 3 (byte 5): the byte 0xE9 is no UTF-8", [0x61, 0x62, 0x0A, 0x61, 0x61, 0xE9])
        expect("line 2, column 2 (byte 7): 'c' (U+0063) is none of the 3 characters", [0xEF, 0xBB, 0xBF] + Array("ab\nbc".utf8))
        // What is a page or a table to others is a text as well.
        for text in ["<html>ab</html>", "a,b\n1,2\n", "{}", "%PDF is a format", "BM"] {
            let path = folder.file("y.txt", Array(text.utf8))
            #expect(try TokenSequence(of: TextFiles(path: path), ByteTokenizer()).count == text.utf8.count)
        }
    }

    /// Files of several pieces: as the whole at once, and an error far behind the first piece is told in its line.
    @Test func filesOfManyPieces() throws {
        let text = String(repeating: "Words, and more words.\nÄnother line — with dashes\n\n", count: 45_000)
        let path = folder.file("large.txt", Array(text.utf8))
        let tokenizer = try BytePairTokenizer(learningFrom: String(text.prefix(2000)), vocabularyCount: 300)
        let tokens = try TokenSequence(of: TextFiles(path: path), tokenizer)
        let half = try tokenizer.encode(String(repeating: "Words, and more words.\nÄnother line — with dashes\n\n", count: 100))
        #expect(text.utf8.count > 2 << 20 && tokens.count == half.count * 450)
        #expect(try tokens[tokens.count - half.count..<tokens.count].tokens() == half)
        let characters = try CharacterTokenizer(learningFrom: TextFiles(path: path))
        #expect(characters.vocabularyCount == Set(text.unicodeScalars).count)
        let broken = folder.file("broken.txt", Array(text.utf8) + Array("abc".utf8) + [0xFF])
        expectError("\(broken), line 135001, column 4 (byte \(text.utf8.count + 3)): the byte 0xFF") {
            _ = try TokenSequence(of: TextFiles(path: broken), characters)
        }
    }

    // MARK: Tokens

    @Test func partsOfSequences() throws {
        let tokens = try sequence(100)
        let (training, heldOut) = tokens.split(heldOut: 0.1)
        #expect(try training.tokens() == Array(0..<90) && heldOut.tokens() == Array(90..<100))
        #expect(try heldOut[2..<5].tokens() == [92, 93, 94])
        #expect(tokens.split(heldOut: 0).heldOut.count == 0)
        expectError("numbers is empty") { _ = try TextWindows(tokens.split(heldOut: 0).heldOut, length: 4) }
        expectError("the text is empty") { _ = try TokenSequence(of: "", ByteTokenizer()) }
        // Ids that two bytes do not hold.
        let buffer = TokenBuffer(vocabularyCount: 70_000)
        try buffer.append([69_999, 0, 65_536])
        #expect(try buffer.sequence(name: "wide").tokens() == [69_999, 0, 65_536])
    }

    @Test func caches() throws {
        let (path, cache) = (folder.file("a.txt", Array("hello".utf8)), "\(folder.path)/a.tokens")
        func tokens(_ tokenizer: some Tokenizer = ByteTokenizer()) throws -> [Int32] {
            try TokenSequence(of: TextFiles(path: path), tokenizer, cache: cache).tokens()
        }
        let expected = Array("hello".utf8).map { Int32($0) }
        #expect(try tokens() == expected && contents(cache)?.count == 10 + 80)
        // Read and not made again: what the file has is what there is.
        var changed = try #require(contents(cache))
        changed[0] = UInt8(ascii: "j")
        folder.file("a.tokens", changed)
        #expect(try tokens().first == Int32(UInt8(ascii: "j")))
        changed[1] = 7
        folder.file("a.tokens", changed)
        expectError("the tokens of \(path) are broken", "none of the vocabulary of 256") { _ = try tokens() }
        // Of another tokenizer, and of another text.
        #expect(try tokens(CharacterTokenizer(learningFrom: "helo")) == [1, 0, 2, 2, 3])
        #expect(try tokens() == expected)
        folder.file("a.txt", Array("hello!".utf8))
        #expect(try tokens().count == 6)
        folder.file("a.tokens", Array("a letter of mine that nobody is to replace".utf8))
        expectError("\(cache) is there and keeps no tokens, so it is not replaced") { _ = try tokens() }
        folder.file("a.tokens", Array((contents(cache) ?? []).dropLast(3)))
        expectError("keeps no tokens") { _ = try tokens() }
        folder.file("e.txt", [])
        expectError("is empty") {
            _ = try TokenSequence(of: TextFiles(path: "\(folder.path)/e.txt"), ByteTokenizer(), cache: "\(folder.path)/e.tokens")
        }
        #expect(!folder.names.contains("e.tokens"))
    }

    // MARK: Windows

    private func rows(_ batch: Batch, _ field: String) -> [[Int32]] {
        let (values, length) = (batch.values(of: field, as: Int32.self), batch.fields[0].elementCount)
        return stride(from: 0, to: values.count, by: length).map { Array(values[$0..<$0 + length]) }
    }

    @Test func windowsAndWhatFollows() throws {
        let data = try TextWindows(sequence(22), length: 5)
        #expect(data.count == 4 && data.fields == [Field("tokens", .int32, [5]), Field("targets", .int32, [5])])
        let batch = try #require(try BatchLoader(data, batchSize: 4, seed: nil, epochs: 1).next())
        #expect(rows(batch, "tokens") == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14], [15, 16, 17, 18, 19]])
        #expect(rows(batch, "targets") == rows(batch, "tokens").map { $0.map { $0 + 1 } })
        #expect(try TextWindows(sequence(21), length: 5).count == 4 && TextWindows(sequence(20), length: 5).count == 3)
        #expect(try TextWindows(sequence(21), length: 5, stride: 3).count == 6 && TextWindows(sequence(6), length: 5).count == 1)
        expectError("numbers has 5 tokens and a sample takes 5 and the one behind them; take shorter samples, or more text") {
            _ = try TextWindows(sequence(5), length: 5)
        }
    }

    @Test func shiftsOfEpochs() throws {
        let data = try TextWindows(sequence(100), length: 8, shiftedBy: 3)
        func starts(_ from: BatchPosition) throws -> [[Int32]] {
            let loader = try BatchLoader(data, batchSize: data.count, seed: 5, epochs: 6, from: from)
            var all: [[Int32]] = []
            while let batch = try loader.next() {
                let (tokens, targets) = (rows(batch, "tokens"), rows(batch, "targets"))
                #expect(zip(tokens, targets).allSatisfy { $0.map { $0 + 1 } == $1 })
                all.append(tokens.map { $0[0] }.sorted())
            }
            return all
        }
        let all = try starts(.start)
        #expect(data.count == 11 && all.count == 6 && Set(all).count > 2)
        for epoch in all { #expect((0..<8).contains(epoch[0]) && zip(epoch, epoch.dropFirst()).allSatisfy { $1 - $0 == 8 }) }
        #expect(try starts(BatchPosition(epoch: 3, batch: 0)) == Array(all[3...]))
    }

    // MARK: Streams

    @Test func streamsGoOn() throws {
        let data = try TextStreams(sequence(50), length: 4, streams: 3)
        // Three stretches of 16, and three rows with the token behind them in each.
        #expect(data.count == 9)
        func batches(_ start: BatchPosition) throws -> [Batch] {
            let loader = try BatchLoader(data, batchSize: 3, seed: 7, epochs: 2, from: start)
            var all: [Batch] = []
            while let batch = try loader.next() { all.append(batch) }
            return all
        }
        let all = try batches(.start)
        #expect(all.count == 6)
        for (number, batch) in all.enumerated() {
            let first = Int32(number % 3 * 4)
            #expect(rows(batch, "tokens") == [0, 16, 32].map { start in (0..<4).map { start + first + $0 } })
            #expect(rows(batch, "targets") == rows(batch, "tokens").map { $0.map { $0 + 1 } })
            #expect(batch.values(of: "starts", as: Bool.self) == [Bool](repeating: number % 3 == 0, count: 3))
        }
        let rest = try batches(BatchPosition(epoch: 0, batch: 2))
        #expect(rest.map { rows($0, "tokens") } == all[2...].map { rows($0, "tokens") })
        expectError("batches of this data are of 3 samples, which go on from batch to batch, and not of 4") {
            _ = try BatchLoader(data, batchSize: 4, seed: 7)
        }
        expectError("numbers has 50 tokens, a part of which each of 25 streams has", "take fewer streams") {
            _ = try TextStreams(sequence(50), length: 4, streams: 25)
        }
    }

    @Test func shakespeare() throws {
        #expect(Shakespeare.text.utf8.count == 419_127 && Shakespeare.text.hasPrefix("HAMLET, PRINCE OF DENMARK\n"))
        #expect(Shakespeare.text.unicodeScalars.allSatisfy { $0.isASCII && ($0 >= " " || $0 == "\n") })
    }
}
