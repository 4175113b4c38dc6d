/// A byte pair encoding while its parts are put together and held against one another.
struct BytePairBuilder {
    private(set) var table = TokenTable()
    private var added: [AddedToken] = []
    /// Tokens of the vocabulary whose names are not written in the alphabet of bytes.
    private var plain: [ExactText: Int32] = [:]
    private let name: String
    /// No id is as great: a file of few tokens is not to ask for a table of many.
    private let end: Int

    /// - Parameters:
    ///   - vocabulary: ids by names in the alphabet of bytes.
    ///   - addedCount: how many further tokens there may be.
    /// - Throws: `SomaError` where an id is none, or there twice.
    init(vocabulary: [JSON.Member], addedCount: Int, name: String) throws {
        (self.name, end) = (name, min(TokenTable.mostTokens, 2 * (vocabulary.count + addedCount) + 1024))
        guard !vocabulary.isEmpty else { throw SomaError("\(name) is broken: its vocabulary is empty") }
        for member in vocabulary {
            guard let id = member.value.integer, (0..<end).contains(id) else {
                throw SomaError("\(name) is broken: the token '\(member.name)' has no id below \(end), and there are \(vocabulary.count) tokens")
            }
            let bytes = ByteAlphabet.bytes(of: member.name)
            if bytes == nil { plain[ExactText(member.name)] = Int32(id) }
            guard table.add(bytes ?? Array(member.name.utf8), id: Int32(id), isFound: bytes != nil) else {
                throw SomaError("\(name) is broken: two tokens have the id \(id)")
            }
        }
    }

    /// No tokens yet but those of a table.
    init(table: TokenTable, name: String) { (self.table, self.name, end) = (table, name, TokenTable.mostTokens) }

    /// The id of a token of the vocabulary.
    func id(of name: String) -> Int32? { ByteAlphabet.bytes(of: name).flatMap { table.id(of: $0) } ?? plain[ExactText(name)] }

    /// Adds a token that is looked for in texts: one of the vocabulary, or a further one.
    /// - Throws: `SomaError` where its id is that of another.
    mutating func add(_ token: AddedToken) throws {
        if token.name.isEmpty { return }
        if let known = id(of: token.name) {
            guard known == token.id else { throw SomaError("\(name) is broken: '\(token.name)' has the ids \(known) and \(token.id)") }
        } else {
            guard Int(token.id) < end else { throw SomaError("\(name) is broken: '\(token.name)' has the id \(token.id), beyond \(end)") }
            guard table.add(Array(token.name.utf8), id: token.id, isFound: false) else {
                throw SomaError("\(name) is broken: the id \(token.id) of '\(token.name)' is another token's")
            }
            plain[ExactText(token.name)] = token.id
        }
        added.removeAll { $0.id == token.id }
        added.append(token)
    }

    /// Whether every text can be told.
    var hasAllBytes: Bool { (0...255).allSatisfy { table.id(of: [UInt8($0)]) != nil } }

    /// Adds the token of a byte.
    mutating func add(_ byte: UInt8, id: Int32) { _ = table.add([byte], id: id, isFound: true) }

    /// - Throws: `SomaError` where a merge is of tokens, or makes one, that the vocabulary lacks.
    func tokenizer(merges: [(Substring, Substring)], mergesName: String, _ manner: BytePairTokenizer.Manner) throws -> BytePairTokenizer {
        let known = try merges.enumerated().map { rank, names in
            func bytes(_ token: Substring) throws -> [UInt8] {
                guard let bytes = ByteAlphabet.bytes(of: token), table.id(of: bytes) != nil else { throw unknown(String(token), rank, mergesName) }
                return bytes
            }
            let (left, right) = try (bytes(names.0), bytes(names.1))
            guard let token = table.id(of: left + right), let first = table.id(of: left), let second = table.id(of: right) else {
                throw unknown(String(names.0 + names.1), rank, mergesName)
            }
            return (TokenPair(first, second), token)
        }
        return BytePairTokenizer(table, merges: known, added: added, manner)
    }

    private func unknown(_ token: String, _ rank: Int, _ mergesName: String) -> SomaError {
        let place = mergesName.isExactly(name) ? "the vocabulary" : name
        return SomaError("\(mergesName): merge \(rank + 1) needs the token '\(token)', which \(place) does not have")
    }

    /// Two tokens with one space between them.
    static func pair(_ line: Substring) -> (Substring, Substring)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (parts[0], parts[1])
    }
}
