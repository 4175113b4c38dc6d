/// The bytes of the tokens of a vocabulary, by their ids; some ids may be of no token.
struct TokenTable: Sendable {
    private var ranges: [Range<Int>?] = []
    private var bytes: [UInt8] = []
    private(set) var idsByBytes: [[UInt8]: Int32] = [:]

    /// Larger ids are a mistake of the file: a table of that many is made.
    static let mostTokens = 1 << 22

    /// One more than the greatest id.
    var count: Int { ranges.count }

    subscript(id: Int32) -> ArraySlice<UInt8>? {
        guard ranges.indices.contains(Int(id)), let range = ranges[Int(id)] else { return nil }
        return bytes[range]
    }

    func id(of bytes: [UInt8]) -> Int32? { idsByBytes[bytes] }

    /// Adds a token under an id below `mostTokens`; false where another token has it.
    /// - Parameter isFound: whether the token is found by its bytes, too.
    mutating func add(_ token: [UInt8], id: Int32, isFound: Bool) -> Bool {
        if ranges.count <= Int(id) { ranges += Array(repeating: nil, count: Int(id) + 1 - ranges.count) }
        guard ranges[Int(id)] == nil else { return false }
        ranges[Int(id)] = bytes.count..<bytes.count + token.count
        bytes += token
        if isFound { idsByBytes[token] = id }
        return true
    }
}
