/// Text as numbers, and back: each token of a vocabulary has an id in 0 ..< `vocabularyCount`.
///
/// ```swift
/// let tokenizer = try TokenizerFile.read("tokenizer.json")
/// let ids = try tokenizer.encode("Who's there?")
/// let text = try tokenizer.decode(ids)
/// ```
///
/// Text is UTF-8. A tokenizer of one's own has the first five of the requirements to fulfil.
public protocol Tokenizer: Sendable {
    /// How many ids there are: the size of an embedding, or of a row of logits.
    var vocabularyCount: Int { get }

    /// Tokens that stand for no text of their own, such as the end of one.
    var specialTokens: [SpecialToken] { get }

    /// Appends the ids of a text.
    /// - Throws: `TextFault` where it cannot be told in tokens.
    func encode(_ text: UnsafeRawBufferPointer, into tokens: inout [Int32]) throws

    /// Appends the bytes that a token stands for, a special token's name included; false where no token has this id.
    func append(_ token: Int32, to bytes: inout [UInt8]) -> Bool

    /// The tokenizer as JSON, from which `TokenizerFile.parse` makes it again.
    var json: String { get }

    /// The last place where the text may be cut so that its parts have the ids that the whole has, whatever follows; nil where there is none.
    ///
    /// So files that are larger than memory are read piece by piece.
    func lastCut(in text: UnsafeRawBufferPointer) -> Int?
}

/// A token that stands for no text of its own.
public struct SpecialToken: Hashable, Sendable {
    /// How it is written: `<|endoftext|>`.
    public let name: String
    /// Its number in the vocabulary.
    public let id: Int32

    /// The token of that name and number.
    public init(_ name: String, id: Int32) { (self.name, self.id) = (name, id) }
}

extension Tokenizer {
    public var specialTokens: [SpecialToken] { [] }

    /// No place.
    public func lastCut(in text: UnsafeRawBufferPointer) -> Int? { nil }

    /// The ids of a text.
    /// - Parameter name: what an error calls the text.
    /// - Throws: `SomaError` that tells what cannot be told in tokens, and where.
    public func encode(_ text: String, name: String = "the text") throws -> [Int32] {
        var text = text
        return try text.withUTF8 { try encode(UnsafeRawBufferPointer($0), name: name) }
    }

    /// The ids of a text in UTF-8; see `encode(_:name:)`.
    /// - Throws: `SomaError` that tells what cannot be told in tokens, or is no UTF-8, and where.
    public func encode(_ text: [UInt8], name: String = "the text") throws -> [Int32] {
        try text.withUnsafeBytes { try encode($0, name: name) }
    }

    private func encode(_ text: UnsafeRawBufferPointer, name: String) throws -> [Int32] {
        var tokens: [Int32] = []
        do { try encode(text, into: &tokens) } catch let fault as TextFault { throw fault.error(in: text, name: name) }
        return tokens
    }

    /// The bytes that tokens stand for, which need not be UTF-8 where the tokens are parts of a text.
    /// - Parameter leavingOutSpecial: whether special tokens give no bytes.
    /// - Throws: `SomaError` naming the first id that is none of the vocabulary, and its place.
    public func bytes(of tokens: some Sequence<Int32>, leavingOutSpecial: Bool = false) throws -> [UInt8] {
        let left = Set(leavingOutSpecial ? specialTokens.map(\.id) : [])
        var bytes: [UInt8] = []
        for (place, token) in tokens.enumerated() where left.isEmpty || !left.contains(token) {
            guard append(token, to: &bytes) else { throw unknown(token, at: place) }
        }
        return bytes
    }

    /// The text that tokens stand for; bytes that are no UTF-8 become U+FFFD.
    /// - Throws: as `bytes(of:)`.
    public func decode(_ tokens: some Sequence<Int32>, leavingOutSpecial: Bool = false) throws -> String {
        String(decoding: try bytes(of: tokens, leavingOutSpecial: leavingOutSpecial), as: UTF8.self)
    }

    func unknown(_ token: Int32, at place: Int?) -> SomaError {
        SomaError("token \(token)\(place.map { " at place \($0)" } ?? "") is none of the vocabulary of \(vocabularyCount)")
    }

    /// The id of a special token; nil where there is none of that name.
    public func specialToken(_ name: String) -> Int32? { specialTokens.first { $0.name.isExactly(name) }?.id }
}
