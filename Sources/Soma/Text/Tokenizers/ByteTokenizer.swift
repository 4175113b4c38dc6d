/// Every byte is a token: 256 of them, for text in any language and for what is no text.
public struct ByteTokenizer: Tokenizer {
    /// A tokenizer that has nothing to learn.
    public init() {}

    public var vocabularyCount: Int { 256 }

    public func encode(_ text: UnsafeRawBufferPointer, into tokens: inout [Int32]) { tokens.append(contentsOf: text.lazy.map { Int32($0) }) }

    public func append(_ token: Int32, to bytes: inout [UInt8]) -> Bool {
        guard let byte = UInt8(exactly: token) else { return false }
        bytes.append(byte)
        return true
    }

    public func lastCut(in text: UnsafeRawBufferPointer) -> Int? { text.isEmpty ? nil : text.count }

    public var json: String { JSON.object([.init("model", ["type": "Bytes"])]).description }
}
