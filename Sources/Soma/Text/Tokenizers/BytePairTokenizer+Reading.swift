extension BytePairTokenizer {
    /// Reads a `tokenizer.json` as GPT-2's and Llama 3's models come with, or the folder of one, which may have `vocab.json` and `merges.txt`
    /// instead.
    /// - Throws: `SomaError` naming the file where it is missing, broken, or of another kind of tokenizer.
    public init(path: String) throws {
        guard let own = try TokenizerFile.read(path) as? BytePairTokenizer else {
            throw SomaError("\(path) is no byte pair encoding, but another tokenizer")
        }
        self = own
    }

    /// Reads a vocabulary and merges as GPT-2 was published with them.
    /// - Parameters:
    ///   - vocabulary: the path of `vocab.json`, an object of ids by tokens.
    ///   - merges: the path of `merges.txt`, a line for each merge.
    ///   - specialTokens: the names of special tokens; those that the vocabulary lacks get the ids behind it.
    /// - Throws: `SomaError` naming the file where one is missing or broken, or the merges name tokens that the vocabulary lacks.
    public init(vocabulary: String, merges: String, specialTokens: [String] = [], pattern: WordPattern = .gpt2) throws {
        let json = try TokenizerFile.parsed(SmallFile.read(vocabulary, limit: TokenizerFile.mostBytes), name: vocabulary)
        guard let members = json.members else { throw SomaError("\(vocabulary) is no vocabulary: it is not an object of ids by tokens") }
        let pairs = try Self.mergeLines(merges)
        var builder = try BytePairBuilder(vocabulary: members, addedCount: specialTokens.count, name: vocabulary)
        for name in specialTokens { try builder.add(AddedToken(name, id: builder.id(of: name) ?? Int32(builder.table.count))) }
        var manner = Manner()
        manner.pattern = pattern
        self = try builder.tokenizer(merges: pairs, mergesName: merges, manner)
    }

    private static func mergeLines(_ path: String) throws -> [(Substring, Substring)] {
        let bytes = try SmallFile.read(path, limit: TokenizerFile.mostBytes)
        if let kind = bytes.withUnsafeBytes({ FileKind($0, otherThan: FileKind.plainText) }) { throw kind.error(path, "is not a list of merges") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SomaError("\(path) is no list of merges: it is not UTF-8") }
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        if lines.last?.isEmpty == true { lines.removeLast() }
        return try lines.enumerated().filter { !$1.hasPrefix("#version") }.map { number, line in
            guard let pair = BytePairBuilder.pair(line) else {
                throw SomaError("\(path), line \(number + 1), is no merge: two tokens with a space between them")
            }
            return pair
        }
    }

    /// - Parameters:
    ///   - json: of a file whose model is of the type BPE.
    init(_ json: JSON, name: String) throws {
        let model = json["model"] ?? .null
        try Self.requirePlain(json, model, name: name)
        guard let vocabulary = model["vocab"]?.members, let merges = model["merges"]?.array else {
            throw SomaError("\(name) is broken: its model has no vocabulary or no merges")
        }
        let added = json["added_tokens"]?.array ?? []
        var builder = try BytePairBuilder(vocabulary: vocabulary, addedCount: added.count, name: name)
        if let unknown = model["unk_token"]?.string, !unknown.isEmpty, !builder.hasAllBytes {
            throw SomaError("\(name) has the token '\(unknown)' for what it cannot tell, so it is no BPE of bytes", hint: TokenizerFile.whatIsRead)
        }
        for (place, token) in added.enumerated() { try builder.add(AddedToken(token, place: place, name: name)) }
        var manner = try Self.splitting(json["pre_tokenizer"] ?? .null, name: name)
        manner.prefersWholeWords = model["ignore_merges"] == .bool(true)
        manner.composesText = json["normalizer"].map { Self.type($0) == "NFC" } ?? false
        (manner.startTokens, manner.endTokens) = try Self.frame(json["post_processor"] ?? .null, builder, name: name)
        let pairs = try merges.enumerated().map { rank, merge in
            guard let pair = Self.pair(merge) else { throw SomaError("\(name) is broken: its merge \(rank + 1) is not of two tokens") }
            return pair
        }
        self = try builder.tokenizer(merges: pairs, mergesName: name, manner)
    }

    // MARK: Parts of the file

    /// A merge, which older files have as one text and newer ones as two.
    private static func pair(_ merge: JSON) -> (Substring, Substring)? {
        if let text = merge.string { return BytePairBuilder.pair(text[...]) }
        guard let both = merge.array, both.count == 2, let left = both[0].string, let right = both[1].string else { return nil }
        return (left[...], right[...])
    }

    /// Refuses what would give other ids than those of the file's own program.
    private static func requirePlain(_ json: JSON, _ model: JSON, name: String) throws {
        func isAbsent(_ value: JSON?) -> Bool { value == nil || value == .null || value == .string("") || value == .bool(false) }
        if model["byte_fallback"] == .bool(true) || has(json["pre_tokenizer"], type: "Metaspace") {
            throw SomaError("\(name) is a SentencePiece tokenizer (BPE of characters)", hint: TokenizerFile.whatIsRead)
        }
        if let normalizer = json["normalizer"], normalizer != .null, type(normalizer) != "NFC" {
            throw SomaError(
                "\(name) changes text before it splits it (normalizer \(type(normalizer))), which is not done here", hint: TokenizerFile.whatIsRead)
        }
        for option in ["continuing_subword_prefix", "end_of_word_suffix", "dropout"] where !isAbsent(model[option]) {
            throw SomaError("\(name) has the option '\(option)', so it is no byte-level BPE that is read here", hint: TokenizerFile.whatIsRead)
        }
    }

    private static func type(_ part: JSON) -> String { part["type"]?.string ?? "unknown" }

    /// Whether a part, or one of those that a sequence has, is of a type.
    private static func has(_ part: JSON?, type wanted: String) -> Bool {
        guard let part else { return false }
        return type(part).isExactly(wanted) || (part["pretokenizers"]?.array ?? []).contains { type($0).isExactly(wanted) }
    }

    private static func splitting(_ part: JSON, name: String) throws -> Manner {
        var manner = Manner()
        let steps = type(part) == "Sequence" ? part["pretokenizers"]?.array ?? [] : [part]
        guard let last = steps.last, type(last) == "ByteLevel", steps.count <= 2 else {
            let kinds = steps.map(type).joined(separator: ", ")
            throw SomaError("\(name) does not split text by bytes (its pre-tokenizer is \(kinds))", hint: TokenizerFile.whatIsRead)
        }
        manner.addsSpace = last["add_prefix_space"] != .bool(false)
        let splitsItself = last["use_regex"] != .bool(false)
        if steps.count == 1 && splitsItself { return manner }
        guard steps.count == 2, !splitsItself, !manner.addsSpace, type(steps[0]) == "Split", let expression = steps[0]["pattern"]?["Regex"]?.string,
            steps[0]["behavior"] == "Isolated", steps[0]["invert"] != .bool(true), let pattern = WordPattern(expression: expression)
        else {
            let told = steps[0]["pattern"]?["Regex"]?.string.map { ": \($0)" } ?? ""
            throw SomaError("\(name) splits text in a way that is not known here\(told)", hint: "those of GPT-2, Llama 3, GPT-4 and Qwen 2 are")
        }
        manner.pattern = pattern
        return manner
    }

    /// The tokens that a template puts before and behind a text.
    private static func frame(_ part: JSON, _ builder: BytePairBuilder, name: String) throws -> (start: [Int32], end: [Int32]) {
        let steps = type(part) == "Sequence" ? part["processors"]?.array ?? [] : [part]
        guard let template = steps.first(where: { type($0) == "TemplateProcessing" }) else { return ([], []) }
        var frame: (start: [Int32], end: [Int32]) = ([], [])
        var isBehind = false
        for piece in template["single"]?.array ?? [] {
            if piece["Sequence"] != nil {
                isBehind = true
                continue
            }
            let ids = piece["SpecialToken"]?["id"]?.string.flatMap { template["special_tokens"]?[$0]?["ids"]?.array?.map(\.integer) }
            guard let ids, case let known = ids.compactMap({ $0.flatMap { Int32(exactly: $0) } }), known.count == ids.count,
                known.allSatisfy({ builder.table[$0] != nil })
            else { throw SomaError("\(name) is broken: its template names tokens that it does not have") }
            if isBehind { frame.end += known } else { frame.start += known }
        }
        return frame
    }
}

extension AddedToken {
    fileprivate init(_ json: JSON, place: Int, name file: String) throws {
        guard let name = json["content"]?.string, let id = json["id"]?.integer, (0..<TokenTable.mostTokens).contains(id) else {
            throw SomaError("\(file) is broken: its added token \(place + 1) has no text or no id below \(TokenTable.mostTokens)")
        }
        self.init(name, id: Int32(id))
        func holds(_ option: String) -> Bool { json[option] == .bool(true) }
        (isSpecial, isWholeWord, isFoundLater) = (holds("special"), holds("single_word"), holds("normalized"))
        (takesSpaceBefore, takesSpaceBehind) = (holds("lstrip"), holds("rstrip"))
    }
}
