/// Byte-level byte pair encoding, as GPT-2 and Llama 3 have it: a text is split into words, the bytes of each word are tokens, and pairs of these
/// are merged into longer ones in the order in which the merges were learnt. Any text can be told.
///
/// ```swift
/// let tokenizer = try BytePairTokenizer(path: "tokenizer.json")
/// let own = try BytePairTokenizer(learningFrom: TextFiles(path: "books"), vocabularyCount: 4096)
/// ```
///
/// Ids are those of the Python package `tokenizers`; docs/text.md tells what is read. R. Sennrich, B. Haddow and A. Birch, *Neural Machine
/// Translation of Rare Words with Subword Units*, ACL 2016; A. Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019.
public struct BytePairTokenizer: Tokenizer {
    /// How text is split into words.
    public let pattern: WordPattern
    /// Whether a word that is a token is that token, even where merges do not lead to it.
    public let prefersWholeWords: Bool
    /// Whether a text that does not begin with a space is encoded as if it did.
    public let addsSpace: Bool
    /// Whether text is brought to Unicode's composed form (NFC) before anything else: `decode` gives that form.
    public let composesText: Bool
    /// What models of this tokenizer expect before a text; `encode` does not add it.
    public let startTokens: [Int32]
    /// What models of this tokenizer expect behind a text; `encode` does not add it.
    public let endTokens: [Int32]

    let table: TokenTable
    /// In the order of their ranks.
    let mergeList: [TokenPair]
    let added: AddedTokens
    private let merges: [TokenPair: TokenMerge]
    /// The token of each byte, `nothing` where there is none.
    private let byteTokens: [Int32]
    private let cache: WordCache

    private static let nothing: Int32 = -1

    /// How a tokenizer goes about a text, besides its merges.
    struct Manner {
        var pattern = WordPattern.gpt2
        var prefersWholeWords = false
        var addsSpace = false
        var composesText = false
        var startTokens: [Int32] = []
        var endTokens: [Int32] = []
    }

    /// - Parameters:
    ///   - merges: pairs of tokens of the table, whose bytes together are a token of it.
    ///   - added: their ids are in the table.
    init(_ table: TokenTable, merges: [(pair: TokenPair, token: Int32)], added: [AddedToken], _ manner: Manner) {
        (self.table, self.added, cache) = (table, AddedTokens(added, composed: manner.composesText), WordCache())
        mergeList = merges.map(\.pair)
        (pattern, prefersWholeWords, addsSpace) = (manner.pattern, manner.prefersWholeWords, manner.addsSpace)
        (composesText, startTokens, endTokens) = (manner.composesText, manner.startTokens, manner.endTokens)
        var known: [TokenPair: TokenMerge] = [:]
        known.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() { known[merge.pair] = TokenMerge(rank: Int32(rank), token: merge.token) }
        self.merges = known
        byteTokens = (0...255).map { table.id(of: [UInt8($0)]) ?? Self.nothing }
    }

    public var vocabularyCount: Int { table.count }

    public var specialTokens: [SpecialToken] { added.tokens.filter(\.isSpecial).map { SpecialToken($0.name, id: $0.id) } }

    /// Tokens that are looked for in the text itself, special ones among them.
    public var addedTokens: [AddedToken] { added.tokens }

    public func encode(_ text: UnsafeRawBufferPointer, into tokens: inout [Int32]) throws {
        if let offset = UTF8Text.firstFault(in: text) { throw TextFault.notUTF8(at: offset, text[offset]) }
        try cache.use { words in
            try added.forEachPart(in: text, composesText ? .first : .all) { part in
                switch part {
                case .token(let id, _): tokens.append(id)
                case .text(let range) where composesText: try encodeComposed(range, of: text, &words, into: &tokens)
                case .text(let range): try encode(range, of: text, &words, into: &tokens)
                }
            }
        }
    }

    private func encodeComposed(
        _ range: Range<Int>, of text: UnsafeRawBufferPointer, _ words: inout WordCache.Words, into tokens: inout [Int32]
    ) throws {
        do {
            try Array(text[range]).composed.withUnsafeBytes { text in
                try added.forEachPart(in: text, .later) { part in
                    switch part {
                    case .token(let id, _): tokens.append(id)
                    case .text(let range): try encode(range, of: text, &words, into: &tokens)
                    }
                }
            }
        } catch let fault as TextFault {
            // Places in another form of the text are none in this one.
            throw TextFault(at: range.lowerBound, fault.reason, hint: fault.hint)
        }
    }

    private func encode(_ range: Range<Int>, of text: UnsafeRawBufferPointer, _ words: inout WordCache.Words, into tokens: inout [Int32]) throws {
        let part = UnsafeRawBufferPointer(rebasing: text[range])
        do {
            guard addsSpace, part.first != UInt8(ascii: " ") else { return try encodeWords(part, &words, into: &tokens) }
            let longer = [UInt8(ascii: " ")] + part
            do { try longer.withUnsafeBytes { try encodeWords($0, &words, into: &tokens) } } catch let fault as TextFault {
                throw fault.moved(by: -1)
            }
        } catch let fault as TextFault { throw fault.moved(by: range.lowerBound) }
    }

    private func encodeWords(_ text: UnsafeRawBufferPointer, _ words: inout WordCache.Words, into tokens: inout [Int32]) throws {
        let scanner = WordScanner(text, pattern)
        var start = 0
        while start < text.count {
            let end = scanner.end(ofWordAt: start)
            let word = UnsafeRawBufferPointer(rebasing: text[start..<end])
            let key = WordCache.Key(word)
            if let key, let known = words.find(key) {
                tokens += known
            } else {
                let count = tokens.count
                do { try merge(word, &words.merging, into: &tokens) } catch let fault as TextFault { throw fault.moved(by: start) }
                if let key { words.keep(tokens[count...], key) }
            }
            start = end
        }
    }

    private func merge(_ word: UnsafeRawBufferPointer, _ merging: inout PairMerging, into tokens: inout [Int32]) throws {
        if prefersWholeWords, let token = table.id(of: Array(word)) { return tokens.append(token) }
        if let place = word.firstIndex(where: { byteTokens[Int($0)] == Self.nothing }) {
            throw TextFault(
                at: place, "the vocabulary has no token for the byte \(word[place])", hint: "it was learnt without the whole alphabet of bytes")
        }
        merging.merge(word.lazy.map { byteTokens[Int($0)] }, by: merges, into: &tokens)
    }

    public func append(_ token: Int32, to bytes: inout [UInt8]) -> Bool {
        guard let own = table[token] else { return false }
        bytes += own
        return true
    }

    public func lastCut(in text: UnsafeRawBufferPointer) -> Int? {
        let whole = UnsafeRawBufferPointer(rebasing: text.dropLast(UTF8Text.openCount(text)))
        // `encode` tells what is wrong.
        if UTF8Text.firstFault(in: whole) != nil { return text.count }
        var found: [Range<Int>] = []
        added.forEachPart(in: whole) { if case .token(_, let range) = $0 { found.append(range) } }
        // A token may be there that goes on behind the end, and one may take white space on either side.
        return WordScanner.lastCut(in: whole) { place in
            guard place <= text.count - added.longest, !addsSpace || text[place] == UInt8(ascii: " ") else { return false }
            let next = found.partitioningIndex { $0.upperBound >= place }
            return next == found.count || found[next].lowerBound > place
        }
    }
}
