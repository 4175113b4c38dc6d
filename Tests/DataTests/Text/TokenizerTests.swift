import Testing

@testable import Soma

@Suite struct TokenizerTests {
    private let folder = TemporaryFolder()

    @Test func bytes() throws {
        let tokenizer = ByteTokenizer()
        #expect(try tokenizer.encode("aé") == [0x61, 0xC3, 0xA9] && tokenizer.encode([0xFF, 0]) == [255, 0])
        #expect(try tokenizer.decode([0x61, 0xC3, 0xA9]) == "aé" && tokenizer.bytes(of: [255, 0]) == [255, 0])
        #expect(try tokenizer.decode([0x61, 0xC3]) == "a\u{FFFD}")
        #expect(try tokenizer.vocabularyCount == 256 && tokenizer.specialTokens.isEmpty && TokenizerFile.parse(tokenizer.json) is ByteTokenizer)
        expectError("token 256 at place 1 is none of the vocabulary of 256") { _ = try tokenizer.decode([1, 256]) }
        expectError("token -1 at place 0") { _ = try tokenizer.decode([-1]) }
    }

    @Test func characters() throws {
        let tokenizer = try CharacterTokenizer(learningFrom: "banana\r\ne\u{301}")
        #expect(tokenizer.alphabet == ["\n", "\r", "a", "b", "e", "n", "\u{301}"])
        #expect(try tokenizer.encode("an\r\nbe\u{301}") == [2, 5, 1, 0, 3, 4, 6])
        #expect(try tokenizer.decode([2, 5, 1, 0, 3, 4, 6]).isExactly("an\r\nbe\u{301}"))
        let again = try #require(TokenizerFile.parse(tokenizer.json) as? CharacterTokenizer)
        #expect(again.alphabet == tokenizer.alphabet)
        expectError("token 7 at place 0 is none of the vocabulary of 7") { _ = try tokenizer.decode([7]) }
        expectError("an empty text") { _ = try CharacterTokenizer(learningFrom: "") }
    }

    /// What a prompt has that the model never saw, and where.
    @Test func unknownCharacters() throws {
        let tokenizer = try CharacterTokenizer(learningFrom: "aé\n")
        expectError("the text, line 2, column 3 (byte 8): 'b' (U+0062) is none of the 3 characters", "leave it out") {
            _ = try tokenizer.encode("aaé\naéb")
        }
        expectError("the prompt, line 1, column 1 (byte 0): U+0301 is none") { _ = try tokenizer.encode("\u{301}", name: "the prompt") }
        expectError("U+0000 is none") { _ = try tokenizer.encode("a\0") }
        expectError("'\u{1F600}' (U+1F600) is none") { _ = try tokenizer.encode("a\u{1F600}") }
    }

    @Test func textThatIsNoUTF8() throws {
        let characters = try CharacterTokenizer(learningFrom: "aé\n")
        let pairs = try BytePairTokenizer(learningFrom: "aaaa", vocabularyCount: 257)
        for tokenizer: any Tokenizer in [characters, pairs] {
            expectError("the text, line 2, column 2 (byte 3): the byte 0xE9 is no UTF-8", "iconv") {
                _ = try tokenizer.encode([0x61, 0x0A, 0x61, 0xE9, 0x61])
            }
        }
        let broken: [([UInt8], Int)] = [
            ([0x80], 0), ([0xC3], 0), ([0xC0, 0x80], 0), ([0x61, 0xE0, 0x80, 0x80], 1), ([0xED, 0xA0, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0),
            ([0xF0, 0x9F, 0x98], 0),
            ([0xE2, 0x82, 0xAC, 0xFF], 3), ([0xF5, 0x80, 0x80, 0x80], 0), ([0xE2, 0x82, 0x61], 0),
        ]
        for (bytes, place) in broken { #expect(bytes.withUnsafeBytes(UTF8Text.firstFault) == place, "\(bytes)") }
        // The standard library's answer for bytes at random that are nearly UTF-8.
        var random = Philox(seed: 1)
        let pool: [UInt8] = [0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5]
        for _ in 0..<5000 {
            let bytes = (0..<6).map { _ in pool[random.integer(below: pool.count)] }
            let isText = bytes.withUnsafeBytes(UTF8Text.firstFault) == nil
            #expect(isText == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func streamsTellWholeCharacters() throws {
        let text = "a é 日本 👨‍👩‍👧 e\u{301}\r\n"
        var stream = TokenStream(ByteTokenizer())
        var parts: [String] = []
        for token in try ByteTokenizer().encode(text) { parts.append(try stream.append(token)) }
        #expect(parts.joined().isExactly(text) && stream.finish() == "")
        #expect(parts.allSatisfy { $0.unicodeScalars.count <= 1 && $0 != "\u{FFFD}" })
        #expect(parts.prefix(4) == ["a", " ", "", "é"])
    }

    @Test func streamsOfBrokenText() throws {
        var stream = TokenStream(ByteTokenizer())
        #expect(try stream.append(0xE2) == "" && stream.append(0x61) == "\u{FFFD}a" && stream.append(0x80) == "\u{FFFD}")
        #expect(try stream.append(0xF0) == "" && stream.append(0x9F) == "" && stream.finish() == "\u{FFFD}")
        #expect(try stream.append(0x62) == "b")
        expectError("token 999 is none of the vocabulary of 256") { _ = try stream.append(999) }
        // As the whole at once, whatever the bytes are.
        var random = Philox(seed: 2)
        let pool: [Int32] = [0x61, 0x80, 0x9F, 0xBF, 0xC3, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xFF]
        for _ in 0..<2000 {
            let tokens = (0..<8).map { _ in pool[random.integer(below: pool.count)] }
            var (own, told) = (TokenStream(ByteTokenizer()), "")
            for token in tokens { told += try own.append(token) }
            told += own.finish()
            #expect(try told.isExactly(ByteTokenizer().decode(tokens)), "\(tokens)")
        }
    }

    /// "Ã©" is how files write the bytes of "é", and "¶" the byte 0xB6: both could not be told apart.
    @Test func aSpecialTokenIsNotCalledAsFilesCallAnother() async throws {
        let text = "é é é"
        #expect(throws: SomaError.self) { try BytePairTokenizer(learningFrom: text, vocabularyCount: 300, specialTokens: ["Ã©"]) }
        await #expect(processExitsWith: .failure) { _ = try BytePairTokenizer(learningFrom: "é é", vocabularyCount: 300, specialTokens: ["¶"]) }
        let tokenizer = try BytePairTokenizer(learningFrom: text, vocabularyCount: 300, specialTokens: ["«é»", "€"])
        #expect(try TokenizerFile.parse(tokenizer.json).encode("é «é» €") == tokenizer.encode("é «é» €"))
    }

    @Test func specialTokens() throws {
        let tokenizer = try BytePairTokenizer(learningFrom: "a<|end|>b<|end|>ab ab", vocabularyCount: 259, specialTokens: ["<|end|>"])
        #expect(tokenizer.specialTokens == [SpecialToken("<|end|>", id: 0)])
        #expect(tokenizer.specialToken("<|end|>") == 0 && tokenizer.specialToken("x") == nil)
        // Only "ab" is there twice: the special token is no text to learn from.
        #expect(tokenizer.vocabularyCount == 258)
        let ids = try tokenizer.encode("ab<|end|> ab")
        #expect(ids.count == 4 && ids[0] == 257 && ids[1] == 0 && ids[3] == 257)
        #expect(try tokenizer.decode(ids) == "ab<|end|> ab" && tokenizer.decode(ids, leavingOutSpecial: true) == "ab ab")
        var stream = TokenStream(tokenizer, leavingOutSpecial: true)
        #expect(try ids.map { try stream.append($0) } == ["ab", "", " ", "ab"])
        expectError("token 258 at place 0 is none of the vocabulary of 258") { _ = try tokenizer.decode([258]) }
        #expect(tokenizer.characterCounts[0] == 0 && tokenizer.characterCounts[257] == 2 && tokenizer.characterCounts.count == 258)
    }

    /// Known by hand: of equal counts the lesser ids go first.
    @Test func learningByCountsAndIds() throws {
        // Words: "ab" 3 times, " ab" once, " cd" 4 times; pairs: ab 4, cd 4, " c" 4, " a" 1.
        let tokenizer = try BytePairTokenizer(learningFrom: "ab\nab\nab ab cd cd cd cd", vocabularyCount: 300)
        let names = try #require(JSON(parsing: tokenizer.json)["model"]?["merges"]?.array).compactMap(\.string)
        #expect(names == ["a b", "c d", "Ġ cd"])
        #expect(try BytePairTokenizer(learningFrom: "aaaa aaaa", vocabularyCount: 300, leastCount: 2).vocabularyCount == 258)
        expectError("a vocabulary of 255 tokens cannot be learnt") { _ = try BytePairTokenizer(learningFrom: "a", vocabularyCount: 255) }
        expectError("an empty text has no pairs") { _ = try BytePairTokenizer(learningFrom: "", vocabularyCount: 300) }
        let file = folder.file("a.txt", Array("ab\nab\nab ab cd cd cd cd".utf8))
        #expect(try BytePairTokenizer(learningFrom: TextFiles(path: file), vocabularyCount: 300).json == tokenizer.json)
    }

    /// A word of any length takes its time and no more.
    @Test func longWords() throws {
        let word = String(repeating: "a", count: 64)
        let tokenizer = try BytePairTokenizer(learningFrom: "\(word) \(word)", vocabularyCount: 262)
        let ids = try tokenizer.encode(String(repeating: "a", count: 100_001))
        // 1562 of 64 letters, one of 32, and a letter.
        #expect(ids.count == 1564 && Set(ids).count == 3)
        #expect(try tokenizer.bytes(of: ids).count == 100_001)
    }

    /// Several threads, each by itself as alone.
    @Test func threads() async throws {
        let tokenizer = try BytePairTokenizer(learningFrom: String(Shakespeare.text.prefix(20_000)), vocabularyCount: 400)
        let text = String(Shakespeare.text.prefix(4000))
        let expected = try tokenizer.encode(text)
        try await withThrowingTaskGroup(of: [Int32].self) { group in
            for _ in 0..<8 { group.addTask { try tokenizer.encode(text) } }
            for try await ids in group { #expect(ids == expected) }
        }
    }
}
