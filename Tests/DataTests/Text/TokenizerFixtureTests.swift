import Glibc
import Testing

@testable import Soma

/// Ids of the Python package tokenizers 0.23.3, for tokenizers and lines of fixtures/make_tokenizers.py.
@Suite struct TokenizerFixtureTests {
    private static let answers: Result<JSON, any Error> = Result {
        let own = #filePath.replacing("Text/TokenizerFixtureTests.swift", with: "fixtures/tokenizers.json")
        let path = getenv("SOMA_TOKENIZER_LINES").map { String(cString: $0) } ?? own
        return try JSON(edited: SmallFile.read(path, limit: 1 << 28))
    }

    private func kind(_ name: String) throws -> JSON { try #require(Self.answers.get()["kinds"]?.array?.first { $0["name"]?.string == name }) }

    private func numbers(_ json: JSON?) throws -> [Int32] { try #require(json?.array).compactMap { $0.integer.map { Int32($0) } } }

    /// Of the file, and of the file that is written of it.
    @Test(arguments: ["gpt2", "spaced", "llama3", "whole words", "qwen2"]) func sameIdsAndTexts(name: String) throws {
        let kind = try kind(name)
        let lines = try #require(Self.answers.get()["lines"]?.array).compactMap(\.string)
        let tokenizer = try BytePairTokenizer(#require(kind["file"]), name: name)
        let again = try TokenizerFile.parse(tokenizer.json)
        #expect(again.json == tokenizer.json && again.vocabularyCount == tokenizer.vocabularyCount)
        for (number, line) in lines.enumerated() {
            let ids = try numbers(kind["ids"]?.array?[number])
            #expect(try tokenizer.encode(line) == ids, "line \(number): \(line.debugDescription)")
            #expect(try again.encode(line) == ids, "line \(number): \(line.debugDescription)")
            let text = kind["decoded"]?["\(number)"]?.string ?? line
            #expect(try tokenizer.decode(ids).isExactly(text), "line \(number): \(line.debugDescription)")
        }
        let framed = try numbers(kind["framed"])
        #expect(try tokenizer.startTokens + tokenizer.encode("a text") + tokenizer.endTokens == framed)
    }

    /// Whatever follows, the parts of a text have the ids of the whole.
    @Test(arguments: ["gpt2", "spaced", "llama3", "qwen2"]) func cutsChangeNothing(name: String) throws {
        let tokenizer = try BytePairTokenizer(#require(kind(name)["file"]), name: name)
        let text = Array(try #require(Self.answers.get()["lines"]?.array).prefix(60).compactMap(\.string).joined(separator: " end\n").utf8)
        let whole = try tokenizer.encode(text)
        for size in [150, 400, 1000] {
            var (ids, start, end, cutCount): ([Int32], Int, Int, Int) = ([], 0, size, 0)
            while end < text.count {
                guard let cut = text[start..<end].withUnsafeBytes(tokenizer.lastCut) else {
                    end += size
                    continue
                }
                try text[start..<start + cut].withUnsafeBytes { try tokenizer.encode($0, into: &ids) }
                (start, end, cutCount) = (start + cut, start + cut + size, cutCount + 1)
            }
            try text[start...].withUnsafeBytes { try tokenizer.encode($0, into: &ids) }
            #expect(ids == whole && cutCount > 2, "pieces of \(size)")
        }
    }

    @Test func sameMerges() throws {
        let learning = try #require(Self.answers.get()["learning"])
        let (text, count) = (try #require(learning["text"]?.string), try #require(learning["vocabularyCount"]?.integer))
        let own = try BytePairTokenizer(learningFrom: text, vocabularyCount: count, specialTokens: ["<|endoftext|>"], leastCount: 1)
        let merges = try #require(learning["merges"]?.array).map { $0.string ?? $0.array?.compactMap(\.string).joined(separator: " ") }
        #expect(try JSON(parsing: own.json)["model"]?["merges"]?.array?.map(\.string) == merges)
    }

    /// Letters, numbers and white space of all code points, by the tables of tokenizers' regular expressions (Oniguruma, Unicode 16).
    @Test func classesOfAllCodePoints() throws {
        let ranges = try #require(Self.answers.get()["classes"])
        var expected = [UInt8](repeating: CharacterClass.other, count: 0x110000)
        for (name, kind) in [("letters", CharacterClass.letter), ("numbers", CharacterClass.number), ("spaces", CharacterClass.space)] {
            let ends = try numbers(ranges[name])
            for run in stride(from: 0, to: ends.count, by: 2) { for value in ends[run]...ends[run + 1] { expected[Int(value)] = kind } }
        }
        expected[0x0A] = CharacterClass.lineEnd
        expected[0x0D] = CharacterClass.lineEnd
        let differing = (0..<UInt32(0x110000)).filter { CharacterClass.computed($0) != expected[Int($0)] }
        #expect(differing.isEmpty, "\(differing.prefix(10).map { String($0, radix: 16) })")
        #expect((0..<1 << 16).allSatisfy { CharacterClass.basicPlane[$0] == expected[$0] })
    }
}
