/// Which keys the queries of an attention see, and how scores are made.
///
/// The score of query i and key j is scale · q_i · k_j, and the bias of the two where there is one; a query's output is the sum of the values of the
/// keys that it sees, weighted by the softmax of their scores, and 0 where it sees none. Queries are the last of the keys: query i of T stands beside
/// key p = i + S − T of S.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017; keys that several heads share are of J. Ainslie et al., *GQA*, EMNLP 2023.
public struct Attention: Hashable, Sendable {
    /// What q_i · k_j is multiplied by.
    public var scale: Float
    /// Whether query i sees key j only if j ≤ p.
    public var isCausal: Bool
    /// Query i sees key j only if j > p − window; nil for no such bound.
    public var window: Int?
    /// Whether each sequence of the batch has its own number of keys.
    public var hasLengths: Bool
    /// Whether a number is added to each score.
    public var hasBias: Bool

    /// Nothing is checked.
    public init(scale: Float, isCausal: Bool = false, window: Int? = nil, hasLengths: Bool = false, hasBias: Bool = false) {
        (self.scale, self.isCausal, self.window, self.hasLengths, self.hasBias) = (scale, isCausal, window, hasLengths, hasBias)
    }

    /// Everything that tells it from others, as numbers.
    var words: [Int] { [Int(scale.bitPattern), isCausal ? 1 : 0, window ?? -1, hasLengths ? 1 : 0, hasBias ? 1 : 0] }

    /// The keys that query `i` of `queries` sees of `keys`, lengths aside.
    public func keys(ofQuery i: Int, queries: Int, keys: Int) -> Range<Int> {
        let p = i + keys - queries
        let end = isCausal ? min(max(p + 1, 0), keys) : keys
        let first = window.map { max(p - $0 + 1, 0) } ?? 0
        return min(first, end)..<end
    }

    /// How many pairs of a query and a key that it sees there are, lengths aside.
    public func pairCount(queries: Int, keys: Int) -> Double {
        if !isCausal && window == nil { return Double(queries) * Double(keys) }
        return (0..<queries).reduce(0) { $0 + Double(self.keys(ofQuery: $1, queries: queries, keys: keys).count) }
    }
}
