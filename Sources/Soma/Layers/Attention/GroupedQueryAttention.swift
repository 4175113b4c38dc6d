import SomaGraph

/// Attention in which several heads of queries share a head of keys and values, with rotary positions or without.
///
/// J. Ainslie et al., *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints*, EMNLP 2023. Names of parameters are
/// those of Llama in `transformers`: `q_proj`, `k_proj`, `v_proj`, `o_proj`.
public struct GroupedQueryAttention: Layer, CustomReflectable {
    /// To queries [heads · headSize], and to keys and values [keyHeads · headSize] each.
    public let query, key, value: Linear
    /// From what the heads give, side by side, to the result.
    public let output: Linear
    /// How many heads queries have.
    public let heads: Int
    /// How many heads keys and values have.
    public let keyHeads: Int
    /// What turns queries and keys by their places; nil for nothing.
    public let positions: RotaryPositions?
    private let dropout: Double

    /// Traps where heads do not divide what they share out, or the rotary positions have another size than a head.
    /// - Parameters:
    ///   - width: the features of a place.
    ///   - heads: of queries.
    ///   - keyHeads: of keys and values, which divide those of queries; as many unless named.
    ///   - headSize: the features of a head; width / heads unless named.
    ///   - positions: of size `headSize`; several layers may share them.
    ///   - dropout: the probability that a weight of attention is dropped in training.
    ///   - hasBias: whether the maps to queries, keys and values add biases.
    ///   - hasOutputBias: whether that of the result does.
    ///   - weight: how all weights are drawn.
    public init(
        width: Int, heads: Int, keyHeads: Int? = nil, headSize: Int? = nil, positions: RotaryPositions? = nil, dropout: Double = 0,
        hasBias: Bool = false, hasOutputBias: Bool = false, weight: Initializer = .uniformByInputs, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        func fail(_ reason: String) -> Never { programError("GroupedQueryAttention", reason, file: file, line: line) }
        let keyHeads = keyHeads ?? heads
        guard heads > 0, width > 0, headSize.map({ $0 > 0 }) ?? (width % heads == 0) else { fail("\(heads) heads do not divide \(width) features") }
        guard keyHeads > 0, heads % keyHeads == 0 else { fail("\(heads) heads of queries are no multiple of \(keyHeads) heads of keys") }
        guard (0..<1).contains(dropout) else { fail("a dropout rate of \(dropout)") }
        let size = headSize ?? width / heads
        if let positions, positions.size != size { fail("rotary positions of \(positions.size) features for heads of \(size)") }
        func map(_ inputs: Int, _ outputs: Int, _ hasBias: Bool) -> Linear {
            Linear(from: inputs, to: outputs, hasBias: hasBias, weight: weight, bias: .zeros, device: device, file: file, line: line)
        }
        query = map(width, heads * size, hasBias)
        (key, value) = (map(width, keyHeads * size, hasBias), map(width, keyHeads * size, hasBias))
        output = map(heads * size, width, hasOutputBias)
        (self.heads, self.keyHeads, self.positions, self.dropout) = (heads, keyHeads, positions, dropout)
    }

    /// Each place attends to all: [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor { self(x, mask: .none) }

    /// Each place attends to those that the mask lets it see: [N, T, width] of x [N, T, width], whose first place is `offset`.
    public func callAsFunction(_ x: Tensor, mask: AttentionMask, from offset: Int = 0) -> Tensor {
        let (query, key, value) = projected(x, from: offset)
        return attended(query: query, key: key, value: value, mask: mask)
    }

    /// Queries [N, heads, T, headSize], and keys and values [N, keyHeads, T, headSize], of x [N, T, width], whose first place is `offset`: turned by
    /// their places. Keys and values of earlier places can be put before these, along axis 2, and handed to `attended`.
    public func projected(_ x: Tensor, from offset: Int = 0) -> (query: Tensor, key: Tensor, value: Tensor) {
        projected(x) { positions, x in positions(x, from: offset) }
    }

    /// The same for places that are known when the program runs; without rotary positions their angles are nil.
    public func projected(_ x: Tensor, by angles: RotaryPositions.Angles?) -> (query: Tensor, key: Tensor, value: Tensor) {
        projected(x) { positions, x in angles.map { positions(x, by: $0) } ?? x }
    }

    private func projected(_ x: Tensor, _ turn: (RotaryPositions, Tensor) -> Tensor) -> (query: Tensor, key: Tensor, value: Tensor) {
        named(by: query.weight) {
            guard x.rank == 3 else { programError("GroupedQueryAttention", "an input of \(x.shape) is not [N, T, \(query.weight.shape[1])]") }
            func turned(_ x: Tensor) -> Tensor { positions.map { turn($0, x) } ?? x }
            return (
                turned(query(x).splitIntoHeads(heads)), turned(key(x).splitIntoHeads(keyHeads)), value(x).splitIntoHeads(keyHeads)
            )
        }
    }

    /// What queries [N, heads, T, headSize] make of keys and values [N, keyHeads, S, headSize], joined: [N, T, width].
    public func attended(query: Tensor, key: Tensor, value: Tensor, mask: AttentionMask) -> Tensor {
        named(by: self.query.weight) {
            tapped(output(scaledDotProductAttention(query: query, key: key, value: value, mask: mask, dropout: dropout).joiningHeads()))
        }
    }

    /// Names as Llama has them in `transformers`: `q_proj.weight`, `k_proj.weight`, `v_proj.weight`, `o_proj.weight`.
    public var customMirror: Mirror {
        Mirror(self, children: ["q_proj": query, "k_proj": key, "v_proj": value, "o_proj": output])
    }
}
