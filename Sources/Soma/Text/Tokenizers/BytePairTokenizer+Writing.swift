extension BytePairTokenizer {
    /// Writes a `tokenizer.json`, which the Python packages `tokenizers` and `transformers` read.
    /// - Throws: `SomaError` naming the file where it cannot be written.
    public func write(to path: String) throws { try AtomicFile.write(json, to: path) }

    /// Writes `vocab.json` and `merges.txt`, which do not tell how text is split nor which tokens are special.
    /// - Throws: `SomaError` naming the file where one cannot be written.
    public func write(vocabulary: String, merges: String) throws {
        try AtomicFile.write(vocabularyJSON.description, to: vocabulary)
        try AtomicFile.write("#version: 0.2\n" + mergeNames.map { "\($0)\n" }.joined(), to: merges)
    }

    public var json: String {
        let null = JSON.null
        let model: JSON = [
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": JSON(prefersWholeWords), "vocab": vocabularyJSON, "merges": .array(mergeNames.map { JSON($0) }),
        ]
        let file: JSON = [
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": .array(added.tokens.map(\.json)),
            "normalizer": composesText ? ["type": "NFC"] : null,
            "pre_tokenizer": splittingJSON, "post_processor": frameJSON, "decoder": Self.byteLevel(addsSpace: false, splits: true), "model": model,
        ]
        return file.description
    }

    private func name(_ id: Int32) -> String { ByteAlphabet.name(of: table[id] ?? []) }

    /// Tokens that are found by their bytes are written in the alphabet, and the others, which are special, as they are. Those behind all others are
    /// not of the vocabulary: programs number them as they come.
    private var vocabularyJSON: JSON {
        let ids = 0..<Int32(table.count)
        func isFound(_ id: Int32) -> Bool { table[id].map { table.id(of: Array($0)) == id } ?? false }
        let further = Set(added.tokens.map(\.id))
        let end = ids.last { table[$0] != nil && !further.contains($0) || isFound($0) } ?? -1
        return .object(ids.prefix { $0 <= end }.compactMap { id in
            guard let bytes = table[id] else { return nil }
            return JSON.Member(isFound(id) ? name(id) : String(decoding: bytes, as: UTF8.self), JSON(Int(id)))
        })
    }

    private var mergeNames: [String] { mergeList.map { "\(name($0.left)) \(name($0.right))" } }

    private static func byteLevel(addsSpace: Bool, splits: Bool) -> JSON {
        ["type": "ByteLevel", "add_prefix_space": JSON(addsSpace), "trim_offsets": true, "use_regex": JSON(splits)]
    }

    private var splittingJSON: JSON {
        if pattern == .gpt2 { return Self.byteLevel(addsSpace: addsSpace, splits: true) }
        let split: JSON = ["type": "Split", "pattern": ["Regex": JSON(pattern.expression)], "behavior": "Isolated", "invert": false]
        return ["type": "Sequence", "pretokenizers": [split, Self.byteLevel(addsSpace: false, splits: false)]]
    }

    private var frameJSON: JSON {
        let plain = Self.byteLevel(addsSpace: false, splits: true)
        if startTokens.isEmpty && endTokens.isEmpty { return plain }
        func written(_ id: Int32) -> String { String(decoding: table[id] ?? [], as: UTF8.self) }
        func pieces(_ ids: [Int32], _ type: Int) -> [JSON] { ids.map { ["SpecialToken": ["id": JSON(written($0)), "type_id": JSON(type)]] } }
        func framed(_ sequence: String, _ type: Int) -> [JSON] {
            pieces(startTokens, type) + [["Sequence": ["id": JSON(sequence), "type_id": JSON(type)]]] + pieces(endTokens, type)
        }
        let names = Set(startTokens + endTokens).sorted().map { id in
            JSON.Member(written(id), ["id": JSON(written(id)), "ids": [JSON(Int(id))], "tokens": [JSON(written(id))]])
        }
        let template: JSON = [
            "type": "TemplateProcessing", "single": .array(framed("A", 0)), "pair": .array(framed("A", 0) + framed("B", 1)),
            "special_tokens": .object(names),
        ]
        return ["type": "Sequence", "processors": [plain, template]]
    }
}

extension AddedToken {
    fileprivate var json: JSON {
        [
            "id": JSON(Int(id)), "content": JSON(name), "single_word": JSON(isWholeWord), "lstrip": JSON(takesSpaceBefore),
            "rstrip": JSON(takesSpaceBehind), "normalized": JSON(isFoundLater), "special": JSON(isSpecial),
        ]
    }
}
