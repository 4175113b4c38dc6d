import Glibc
import Testing

@testable import Soma

/// Files of tokenizers that are broken or of another kind, and the line that tells it.
@Suite struct TokenizerFileTests {
    private let folder = TemporaryFolder()
    private static let tokenizer = Result {
        try BytePairTokenizer(learningFrom: "low lower lowest\nlow", vocabularyCount: 262, specialTokens: ["<|end|>"])
    }

    private func json() throws -> JSON { try JSON(parsing: Self.tokenizer.get().json) }

    /// The file of a small tokenizer with other members.
    private func file(_ changes: [(String, JSON)] = [], model: [(String, JSON)] = []) throws -> String {
        func changed(_ json: JSON, _ changes: [(String, JSON)]) throws -> JSON {
            let names = changes.map(\.0)
            return .object(try #require(json.members).filter { !names.contains($0.name) } + changes.map { JSON.Member($0.0, $0.1) })
        }
        let content = try changed(json(), [("model", changed(json()["model"] ?? .null, model))] + changes)
        return folder.file("tokenizer.json", Array(content.description.utf8))
    }

    @Test func writtenAndRead() throws {
        let tokenizer = try Self.tokenizer.get()
        let (path, vocabulary, merges) = ("\(folder.path)/tokenizer.json", "\(folder.path)/two/vocab.json", "\(folder.path)/two/merges.txt")
        folder.folder("two")
        try tokenizer.write(to: path)
        try tokenizer.write(vocabulary: vocabulary, merges: merges)
        let text = "the lowest <|end|>\n"
        let ids = try tokenizer.encode(text)
        #expect(try BytePairTokenizer(path: path).encode(text) == ids && BytePairTokenizer(path: folder.path).encode(text) == ids)
        let two = try BytePairTokenizer(vocabulary: vocabulary, merges: merges, specialTokens: ["<|end|>"])
        #expect(try two.encode(text) == ids && two.specialTokens == tokenizer.specialTokens)
        // Without its name the special token is text.
        #expect(try BytePairTokenizer(path: "\(folder.path)/two").encode("<|end|>").count > 1)
        let longer = try BytePairTokenizer(vocabulary: vocabulary, merges: merges, specialTokens: ["<|new|>"])
        #expect(try longer.encode("<|new|>") == [Int32(tokenizer.vocabularyCount)])
    }

    @Test func otherKinds() throws {
        func expect(_ words: String, _ changes: [(String, JSON)] = [], model: [(String, JSON)] = []) throws {
            let path = try file(changes, model: model)
            expectError(path, words, "byte-level BPE is read") { _ = try TokenizerFile.read(path) }
        }
        try expect("is a SentencePiece tokenizer (Unigram)", model: [("type", "Unigram")])
        try expect("is a tokenizer of another kind, WordPiece", model: [("type", "WordPiece")])
        try expect("is a tokenizer of another kind, WordLevel", model: [("type", "WordLevel")])
        try expect("is a SentencePiece tokenizer (BPE of characters)", model: [("byte_fallback", true)])
        try expect("is a SentencePiece tokenizer (BPE of characters)", [("pre_tokenizer", ["type": "Metaspace"])])
        try expect("changes text before it splits it (normalizer NFKC)", [("normalizer", ["type": "NFKC"])])
        try expect("does not split text by bytes (its pre-tokenizer is Whitespace)", [("pre_tokenizer", ["type": "Whitespace"])])
        try expect("does not split text by bytes", [("pre_tokenizer", .null)])
        try expect("has the option 'end_of_word_suffix'", model: [("end_of_word_suffix", "</w>")])
        try expect("has the token '<unk>' for what it cannot tell", model: [("unk_token", "<unk>"), ("vocab", ["a": 1, "<unk>": 0]), ("merges", [])])
        // Where there are all bytes it is never used.
        #expect(try TokenizerFile.read(file(model: [("unk_token", "<unk>")])) is BytePairTokenizer)
        let split: JSON = ["type": "Split", "pattern": ["Regex": "\\w+"], "behavior": "Isolated", "invert": false]
        let bytes: JSON = ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false]
        let path = try file([("pre_tokenizer", ["type": "Sequence", "pretokenizers": [split, bytes]])])
        expectError("splits text in a way that is not known here: \\w+", "GPT-2, Llama 3") { _ = try TokenizerFile.read(path) }
        let characters = folder.file("c.json", Array(try CharacterTokenizer(learningFrom: "ab").json.utf8))
        expectError("is no byte pair encoding") { _ = try BytePairTokenizer(path: characters) }
    }

    @Test func filesThatAreNoTokenizers() throws {
        func expect(_ words: String, _ hint: String = "", bytes: [UInt8]) {
            let path = folder.file("file", bytes)
            expectError(path, words, hint) { _ = try TokenizerFile.read(path) }
        }
        expect("is no tokenizer: broken JSON at byte 1", bytes: Array("{".utf8))
        expect("is no tokenizer: it has no model", bytes: Array("[]".utf8))
        expect("is no tokenizer: it has no model", "it is a vocabulary: merges.txt belongs to it", bytes: Array("{\"a\": 0}".utf8))
        expect("is no tokenizer: broken JSON at byte", "nested too deeply", bytes: Array(String(repeating: "[", count: 100_000).utf8))
        expect("is a list of tokens as tiktoken has it", bytes: Array("IQ== 0\nIg== 1\n".utf8))
        let piece: [UInt8] = [0x0A, 0x0E, 0x0A, 0x05] + Array("<unk>".utf8) + [0x15, 0, 0, 0, 0, 0x18, 2]
        expect("is not a tokenizer but a model of SentencePiece", bytes: piece)
        expect("is not a tokenizer but a PNG picture", bytes: try Picture(width: 1, height: 1, channels: 1, pixels: [7]).encoded())
        expectError("cannot open \(folder.path)/none") { _ = try TokenizerFile.read("\(folder.path)/none") }
        folder.folder("empty")
        expectError("the folder \(folder.path)/empty has no tokenizer", "vocab.json and merges.txt") {
            _ = try TokenizerFile.read("\(folder.path)/empty")
        }
        let huge = folder.file("huge", [])
        #expect(truncate(huge, 1 << 40) == 0)
        expectError("cannot read \(huge): it has 1099511627776 bytes") { _ = try TokenizerFile.read(huge) }
    }

    @Test func brokenParts() throws {
        func expect(_ words: String, _ changes: [(String, JSON)] = [], model: [(String, JSON)] = []) throws {
            let path = try file(changes, model: model)
            expectError(path, words) { _ = try TokenizerFile.read(path) }
        }
        let vocabulary: JSON = ["a": 0, "b": 1, "ab": 2]
        func expectMerges(_ words: String, _ merges: JSON) throws {
            try expect(words, [("added_tokens", [])], model: [("vocab", vocabulary), ("merges", merges)])
        }
        try expectMerges(": merge 2 needs the token 'c', which the vocabulary does not have", ["a b", "ab c"])
        try expectMerges(": merge 1 needs the token 'ba', which the vocabulary does not have", [["b", "a"]])
        try expectMerges("its merge 1 is not of two tokens", ["a b c"])
        try expectMerges("its merge 1 is not of two tokens", [["a"]])
        try expectMerges("its merge 1 is not of two tokens", [7])
        try expect("two tokens have the id 1", model: [("vocab", ["a": 1, "b": 1])])
        try expect("the token 'b' has no id below 1030, and there are 2 tokens", model: [("vocab", ["a": 1, "b": 2_000_000_000])])
        try expect("the token 'b' has no id", model: [("vocab", ["a": 1, "b": -1])])
        try expect("its vocabulary is empty", model: [("vocab", .object([]))])
        try expect("its model has no vocabulary or no merges", model: [("vocab", [])])
        let added: [(JSON, String)] = [
            (["content": "<|x|>"], "its added token 1 has no text or no id"),
            (["content": "<|x|>", "id": 2], "the id 2 of '<|x|>' is another token's"),
            (["content": "a", "id": 2], "'a' has the ids 0 and 2"), (["content": "<|x|>", "id": 4_000_000], "'<|x|>' has the id 4000000, beyond"),
        ]
        for (token, words) in added { try expect(words, [("added_tokens", [token])], model: [("vocab", vocabulary), ("merges", [])]) }
        let template: JSON = ["type": "TemplateProcessing", "single": [["SpecialToken": ["id": "<s>"]]], "special_tokens": ["<s>": ["ids": [9999]]]]
        try expect("its template names tokens that it does not have", [("post_processor", template)])
        let alphabet = folder.file("c.json", Array("{\"model\":{\"type\":\"Characters\",\"alphabet\":\"aa\"}}".utf8))
        expectError("its alphabet is no text of different characters") { _ = try TokenizerFile.read(alphabet) }
    }

    @Test func twoFiles() throws {
        let vocabulary = folder.file("vocab.json", Array("{\"a\":0,\"b\":1,\"ab\":2}".utf8))
        func expect(_ words: String, merges: String) {
            let path = folder.file("merges.txt", Array(merges.utf8))
            expectError(words) { _ = try BytePairTokenizer(vocabulary: vocabulary, merges: path) }
        }
        expect("merges.txt: merge 1 needs the token 'd', which \(vocabulary) does not have", merges: "#version: 0.2\nd a\n")
        expect("merges.txt, line 2, is no merge", merges: "a b\nab\n")
        expect("merges.txt, line 1, is no merge", merges: "\na b\n")
        expectError("is no list of merges: it is not UTF-8") {
            _ = try BytePairTokenizer(vocabulary: vocabulary, merges: folder.file("m", [0x61, 0xFF]))
        }
        expectError("is not an object of ids by tokens") {
            _ = try BytePairTokenizer(vocabulary: folder.file("v", Array("[1]".utf8)), merges: vocabulary)
        }
        let merges = folder.file("merges.txt", Array("#version: 0.2\r\na b\r\n".utf8))
        let tokenizer = try BytePairTokenizer(vocabulary: vocabulary, merges: merges)
        #expect(try tokenizer.encode("aab") == [0, 2])
        // A vocabulary without all bytes cannot tell every text.
        expectError("the text, line 1, column 3 (byte 2): the vocabulary has no token for the byte 99") { _ = try tokenizer.encode("abc") }
    }
}
