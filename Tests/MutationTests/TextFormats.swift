import Glibc

@testable import Soma

/// Tokenizers, and tokens that are kept.
extension FileFormat {
    static let tokenizer = FileFormat(
        name: "tokenizer", samples: Texts.tokenizers,
        tokens: [
            #""vocab":{"#, #""merges":["#, #"["a","b"]"#, #""a b""#, #""id":0"#, #""id":4194303"#, #""added_tokens":["#, #""lstrip":true"#,
            #""rstrip":true"#, #""single_word":true"#, #""normalized":true"#, #""ignore_merges":true"#, #""add_prefix_space":true"#, #""Ġ""#,
            #""content":" ""#, "\u{301}", "null",
        ].map { Array($0.utf8) }
    ) { path, _ in try Texts.check(TokenizerFile.read(path)) }

    static let merges = FileFormat(
        name: "merges", samples: ["#version: 0.2\na b\nab c\n\u{120} ab\n", "a b\r\nb c\r\n"].map { Array($0.utf8) },
        tokens: ["a b\n", "ab c", "\u{120}", " ", "\n", "\r\n", "\u{301}", "#version"].map { Array($0.utf8) } + [[0xFF], [0]]
    ) { path, _ in
        let vocabulary = "\(path).vocabulary"
        defer { unlink(vocabulary) }
        try AtomicFile.write(#"{"a":0,"b":1,"c":2,"Ġ":3,"ab":4,"abc":5,"Ġab":6,"bc":7,"ba":8}"#, to: vocabulary)
        try Texts.check(BytePairTokenizer(vocabulary: vocabulary, merges: path, specialTokens: ["<|end|>"]))
    }

    /// What is kept of no files, so that nothing but the file itself decides.
    static let tokenCache = FileFormat(name: "tokens", samples: Texts.caches, tokens: [Array("SOMATOK1".utf8), [0, 1], [0xFF, 0xFF]]) { path, _ in
        let tokens = try TokenSequence(of: TextFiles(paths: []), ByteTokenizer(), cache: path)
        guard try tokens.tokens().allSatisfy({ (0..<256).contains($0) }) else { throw Contradiction("a token that is none of the vocabulary") }
        let loader = try BatchLoader(TextWindows(tokens, length: 3), batchSize: 2, seed: 1, epochs: 1)
        while try loader.next() != nil {}
    }
}

private enum Texts {
    static let tokenizers: [[UInt8]] = {
        do {
            var all: [String] = []
            for (pattern, specials) in [(WordPattern.gpt2, []), (.llama3, ["<|end|>"]), (.qwen2, ["<s>", "</s>"])] {
                let text = "an apple and an ant"
                all.append(try BytePairTokenizer(learningFrom: text, vocabularyCount: 266, specialTokens: specials, pattern: pattern).json)
            }
            let short = #"""
                {"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"Ġ":3},"merges":["a b"]},
                "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
                "added_tokens":[{"id":4,"content":"<x>","lstrip":false,"special":true}]}
                """#
            return (all + [short, try CharacterTokenizer(learningFrom: "ab \n").json, ByteTokenizer().json]).map { Array($0.utf8) }
        } catch { fatalError("\(error)") }
    }()

    /// All that a tokenizer gives is of its vocabulary, and it is the same when it was written and read.
    static func check(_ tokenizer: some Tokenizer) throws {
        try expectSame(try TokenizerFile.parse(tokenizer.json).json, tokenizer.json, "a tokenizer that is read back as another")
        var stream = TokenStream(tokenizer)
        for text in ["ab abc  a\n", "<|end|> <x>a", "日本 b'll"] {
            guard let ids = try? tokenizer.encode(text) else { continue }
            guard ids.allSatisfy({ $0 >= 0 && Int($0) < tokenizer.vocabularyCount }) else {
                throw Contradiction("an id that is none of the vocabulary")
            }
            _ = try tokenizer.decode(ids, leavingOutSpecial: true)
            for id in ids { _ = try stream.append(id) }
        }
        _ = tokenizer.characterCounts
    }

    static let caches: [[UInt8]] = {
        let path = "/tmp/soma-tokens-\(getpid())"
        defer { unlink(path) }
        do {
            let cache = TokenCache(try TextFiles(paths: []), ByteTokenizer(), separator: nil, path: path)
            _ = try cache.sequence(name: path) { try $0([1, 2, 3, 4, 5, 6, 7, 255]) }
            return [try SmallFile.read(path, limit: 1 << 20)]
        } catch { fatalError("\(error)") }
    }()
}
