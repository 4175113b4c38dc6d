/// Decodes tokens as they come, as a model that writes gives them: a code point is told once all of its bytes are there.
///
/// ```swift
/// var stream = TokenStream(tokenizer)
/// for token in tokens { print(try stream.append(token), terminator: "") }
/// print(stream.finish())
/// ```
public struct TokenStream: Sendable {
    private let tokenizer: any Tokenizer
    private let left: Set<Int32>
    private var open: [UInt8] = []

    /// A stream that has decoded nothing yet.
    /// - Parameter leavingOutSpecial: whether special tokens give no text.
    public init(_ tokenizer: any Tokenizer, leavingOutSpecial: Bool = false) {
        self.tokenizer = tokenizer
        left = Set(leavingOutSpecial ? tokenizer.specialTokens.map(\.id) : [])
    }

    /// The text that is whole with this token, which may be none; bytes that can no longer become UTF-8 are U+FFFD.
    /// - Throws: `SomaError` where the id is none of the vocabulary; the stream is then as before.
    public mutating func append(_ token: Int32) throws -> String {
        if left.contains(token) { return "" }
        guard tokenizer.append(token, to: &open) else { throw tokenizer.unknown(token, at: nil) }
        let count = open.count - open.withUnsafeBytes(UTF8Text.openCount)
        defer { open.removeFirst(count) }
        return String(decoding: open[..<count], as: UTF8.self)
    }

    /// What is left at the end: U+FFFD for a code point that was begun, else nothing. The stream can then be used anew.
    public mutating func finish() -> String {
        defer { open = [] }
        return String(decoding: open, as: UTF8.self)
    }
}
