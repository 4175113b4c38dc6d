import SomaGraph

/// Scaled dot-product attention or its gradient; see `LibraryOperation.attention` and `attentionGradient` for what is read and written.
///
/// Head h reads the keys and values of head h / (H / G). Nothing of the size of T · S need ever be in memory: the gradient makes the weights again
/// from the logarithms, exp(score − l₀ − l₁).
public struct AttentionStep: Hashable, Sendable {
    /// Which keys a query sees.
    public var attention: Attention
    /// Whether it computes what query, key and value get of the gradient.
    public var isGradient: Bool
    /// B, H, G, T, S, d and e: sequences, heads of queries and of keys, queries and keys of a sequence, features of a head of queries and of values.
    public var batch, heads, keyHeads, queries, keys, width, valueWidth: Int
    /// Query, key, value; for the gradient l [B, H, T, 2], d [B, H, T] and g; then lengths [B] and bias [B, H, T, S] where there are any. Features of a head lie
    /// side by side, and axes in any order; a bias may have any strides.
    public var inputs: [Operand]
    /// The output and its logarithms, or what query, key and value get. Strides over [B, H, T, d]; logarithms are contiguous.
    public var results: [Operand]

    /// Does not check that the operands have these extents.
    public init(
        attention: Attention, isGradient: Bool, batch: Int, heads: Int, keyHeads: Int, queries: Int, keys: Int, width: Int, valueWidth: Int,
        inputs: [Operand], results: [Operand]
    ) {
        (self.attention, self.isGradient, self.inputs, self.results) = (attention, isGradient, inputs, results)
        (self.batch, self.heads, self.keyHeads, self.queries, self.keys) = (batch, heads, keyHeads, queries, keys)
        (self.width, self.valueWidth) = (width, valueWidth)
    }

    private var maskIndex: Int { isGradient ? 6 : 3 }
    /// The number of keys of each sequence.
    public var lengths: Operand? { attention.hasLengths ? inputs[maskIndex] : nil }
    /// What is added to the scores.
    public var bias: Operand? { attention.hasBias ? inputs[inputs.count - 1] : nil }
}

extension AttentionStep: StepDescriptor {
    public var name: String { isGradient ? "attentionGradient" : "attention" }
    public var reads: [Operand] { inputs }
    public var writes: [Operand] { results }

    public var label: String {
        let mask = [attention.isCausal ? "causal" : nil, attention.window.map { "window \($0)" }, attention.hasLengths ? "lengths" : nil,
            attention.hasBias ? "bias" : nil].compactMap { $0 }
        let heads = keyHeads == heads ? "\(heads) heads" : "\(heads) heads on \(keyHeads)"
        return "attention\(isGradient ? " gradient" : ""), \(batch) of \(queries) queries on \(keys) keys, \(heads) of \(width)"
            + (mask.isEmpty ? "" : ", " + mask.joined(separator: ", "))
    }

    private var pairs: Double { Double(batch * heads) * attention.pairCount(queries: queries, keys: keys) }

    public var productOperations: Double {
        2 * pairs * Double(isGradient ? 3 * width + 2 * valueWidth : width + valueWidth)
    }

    // For each pair a scale, an exponential and a sum; of the gradient a difference and a product besides.
    public var otherOperations: Double { pairs * (isGradient ? 5 : 4) }

    public var byteCounts: (read: Int, written: Int) {
        let (query, logarithms) = (batch * heads * queries, 2 * batch * heads * queries)
        let (output, key, value) = (query * valueWidth, batch * keyHeads * keys * width, batch * keyHeads * keys * valueWidth)
        let mask = (attention.hasLengths ? batch : 0) + (bias.map { $0.byteCount([batch, heads, queries, keys]) / 4 } ?? 0)
        let read = query * width + key + value + mask + (isGradient ? logarithms + query + output : 0)
        return (4 * read, 4 * (isGradient ? query * width + key + value : output + logarithms))
    }
}
