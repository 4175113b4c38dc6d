/// Which cells stand for a value that is not there.
public struct MissingValues: Hashable, Sendable {
    /// The words in lower case; an empty cell is missing whatever they are.
    let words: [ExactText]
    private let known: Set<ExactText>
    private let longest: Int
    /// Whether a word begins with a byte: numbers are passed over fast.
    private let begins: [Bool]

    /// What is taken for missing unless somebody says otherwise, in upper or lower case: NA, N/A, #N/A, NaN, null, none and ?.
    public static let usual = MissingValues(["na", "n/a", "#n/a", "nan", "null", "none", "?"])

    /// The words that stand for a missing value.
    /// - Parameter words: upper and lower case letters of ASCII are the same.
    public init(_ words: [String]) {
        self.words = words.map { ExactText(String(decoding: $0.utf8.map(Self.lower), as: UTF8.self)) }
        known = Set(self.words)
        longest = self.words.map(\.text.utf8.count).max() ?? 0
        let firsts = Set(self.words.compactMap(\.text.utf8.first))
        begins = (0...255).map { firsts.contains(Self.lower($0)) }
    }

    /// Whether a cell without spaces at its ends is missing.
    func contains(_ value: ArraySlice<UInt8>) -> Bool {
        guard let first = value.first else { return true }
        return begins[Int(first)] && value.count <= longest && known.contains(ExactText(String(decoding: value.map(Self.lower), as: UTF8.self)))
    }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
