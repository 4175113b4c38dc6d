import SomaGraph

extension BytePairTokenizer {
    /// Learns merges from a text; see `init(learningFrom:vocabularyCount:specialTokens:pattern:leastCount:)` for files.
    public init(
        learningFrom text: String, vocabularyCount: Int, specialTokens: [String] = [], pattern: WordPattern = .gpt2, leastCount: Int = 2
    ) throws {
        let start = try Self.untaught(specialTokens, pattern, vocabularyCount)
        var counts: [[UInt8]: Int] = [:]
        var text = text
        text.withUTF8 { start.count(UnsafeRawBufferPointer($0), into: &counts) }
        try self.init(start, counts, vocabularyCount, leastCount)
    }

    /// Learns merges from text files, which may be larger than memory: words are split by the pattern and counted, and of all pairs of tokens within
    /// them the one that is there most often becomes a token, until there are `vocabularyCount` or no pair is there `leastCount` times.
    ///
    /// Of pairs that are there equally often the one with the lesser left id goes first, then that with the lesser right one. So the same text gives
    /// the same tokenizer. Ids are those of the special tokens, of the 256 bytes in the order of their characters, and of the merges, as the Python
    /// package `tokenizers` has it. Special tokens in the text are passed over.
    /// - Throws: `SomaError` naming the file where one cannot be read or is no UTF-8; where the text is empty, or the vocabulary has no room for
    ///   all bytes; where a special token is called as files call one that is learnt.
    public init(
        learningFrom files: TextFiles, vocabularyCount: Int, specialTokens: [String] = [], pattern: WordPattern = .gpt2, leastCount: Int = 2
    ) throws {
        let start = try Self.untaught(specialTokens, pattern, vocabularyCount)
        var counts: [[UInt8]: Int] = [:]
        try files.forEachPart(cutting: start.lastCut) { part in
            if let offset = UTF8Text.firstFault(in: part) { throw TextFault.notUTF8(at: offset, part[offset]) }
            start.count(part, into: &counts)
        }
        try self.init(start, counts, vocabularyCount, leastCount)
    }

    private init(_ start: BytePairTokenizer, _ counts: [[UInt8]: Int], _ vocabularyCount: Int, _ leastCount: Int) throws {
        guard !counts.isEmpty else { throw SomaError("an empty text has no pairs to learn") }
        var table = start.table
        // In an order of their own, so that nothing depends on that of a dictionary.
        let words = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { word, count in
            (word.compactMap { table.id(of: [$0]) }, count)
        }
        var learner = PairLearner(words)
        var merges: [(pair: TokenPair, token: Int32)] = []
        let special = Set(start.added.tokens.map { ExactText($0.name) })
        while table.count < vocabularyCount, let pair = learner.next(atLeast: leastCount) {
            let bytes = Array((table[pair.left] ?? []) + (table[pair.right] ?? []))
            let name = ByteAlphabet.name(of: bytes)
            guard !special.contains(ExactText(name)) else {
                throw SomaError("the special token '\(name)' is how files write a token of the text", hint: "give it another name")
            }
            let token = table.id(of: bytes) ?? Int32(table.count)
            _ = table.add(bytes, id: token, isFound: true)
            merges.append((pair, token))
            learner.merge(pair, into: token)
        }
        var manner = Manner()
        manner.pattern = start.pattern
        self.init(table, merges: merges, added: start.added.tokens, manner)
    }

    /// Special tokens and bytes, without merges.
    private static func untaught(_ specialTokens: [String], _ pattern: WordPattern, _ vocabularyCount: Int) throws -> BytePairTokenizer {
        let least = 256 + specialTokens.count
        guard (least...TokenTable.mostTokens).contains(vocabularyCount) else {
            throw SomaError(
                "a vocabulary of \(vocabularyCount) tokens cannot be learnt", hint: "\(least) to \(TokenTable.mostTokens) can: all bytes are in it")
        }
        // Files write each byte as one letter: `¶` is 0xB6.
        let isLong = specialTokens.allSatisfy { (ByteAlphabet.bytes(of: $0)?.count ?? $0.utf8.count) > 1 }
        guard Set(specialTokens.map(ExactText.init)).count == specialTokens.count, isLong else {
            programError("BytePairTokenizer", "the special tokens \(specialTokens) are no different names of more than one letter")
        }
        var builder = BytePairBuilder(table: TokenTable(), name: "the vocabulary")
        for (id, name) in specialTokens.enumerated() { try builder.add(AddedToken(name, id: Int32(id))) }
        let alphabet = (0...255).sorted { ByteAlphabet.scalars[$0] < ByteAlphabet.scalars[$1] }
        for (place, byte) in alphabet.enumerated() { builder.add(UInt8(byte), id: Int32(specialTokens.count + place)) }
        var manner = Manner()
        manner.pattern = pattern
        return try builder.tokenizer(merges: [], mergesName: "", manner)
    }

    /// Counts the words of a text.
    private func count(_ text: UnsafeRawBufferPointer, into counts: inout [[UInt8]: Int]) {
        added.forEachPart(in: text) { part in
            guard case .text(let range) = part else { return }
            let part = UnsafeRawBufferPointer(rebasing: text[range])
            let scanner = WordScanner(part, pattern)
            var start = 0
            while start < part.count {
                let end = scanner.end(ofWordAt: start)
                counts[Array(part[start..<end]), default: 0] += 1
                start = end
            }
        }
    }
}
