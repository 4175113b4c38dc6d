import SomaGraph

/// softmax(scale · Q Kᵀ + bias) V for each head, over the keys that a query sees: [B, H, T, d].
///
/// H is a multiple of Hkv: query heads 0 ..< H / Hkv take the first head of keys and values, and so on, which are not copied for
/// it. A query that sees no key gets zeros, and gives no gradient.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017.
/// - Parameters:
///   - query: Q, [B, H, T, d].
///   - key: K, [B, Hkv, S, d].
///   - value: V, [B, Hkv, S, d].
///   - mask: which keys are seen, and what is added to the logits.
///   - scale: of the products; nil for 1/√d.
///   - dropout: the probability that a weight of the softmax is dropped in training.
public func scaledDotProductAttention(
    query: Tensor, key: Tensor, value: Tensor, mask: AttentionMask = .none, scale: Double? = nil, dropout: Double = 0,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    let call = AttentionCall(query, key, value, mask, scale, file, line)
    guard (0..<1).contains(dropout) else { call.fail("a dropout rate of \(dropout)") }
    func whole() -> Tensor { Tensor.attention(call.query, call.key, call.value, call.operands).output }
    return dropout == 0 ? whole() : Mode.choose(training: { call.composed(Dropout(rate: dropout)) }, inference: whole)
}

/// The operands of attention, which fit one another.
private struct AttentionCall {
    let query, key, value: Tensor
    let operands: AttentionOperands
    private let file: StaticString
    private let line: UInt

    init(_ query: Tensor, _ key: Tensor, _ value: Tensor, _ mask: AttentionMask, _ scale: Double?, _ file: StaticString, _ line: UInt) {
        (self.file, self.line) = (file, line)
        func fail(_ reason: String) -> Never { programError(Self.operation, reason, file: file, line: line) }
        for (name, tensor) in [("query", query), ("key", key), ("value", value)] where tensor.rank != 4 || tensor.dtype != .float32 {
            fail("the \(name) is \(tensor.dtype) \(tensor.shape), not float32 [batch, heads, places, features]")
        }
        guard key.shape == value.shape else { fail("keys \(key.shape) and values \(value.shape) differ in shape") }
        guard query.shape[0] == key.shape[0], query.shape[3] == key.shape[3], query.shape[3] > 0, key.shape[2] > 0 else {
            fail("queries \(query.shape) and keys \(key.shape) differ in batch or features, or have none")
        }
        guard key.shape[1] > 0, query.shape[1] % key.shape[1] == 0 else {
            fail("\(query.shape[1]) heads of queries are no multiple of \(key.shape[1]) heads of keys")
        }
        let logits: Shape = [query.shape[0], query.shape[1], query.shape[2], key.shape[2]]
        if let bias = mask.bias, bias.dtype != .float32 || Shape.broadcast(bias.shape, logits) != logits {
            fail("a bias \(bias.dtype) \(bias.shape) does not broadcast to float32 \(logits)")
        }
        let lengths = mask.lengths.map { Self.lengths($0, logits, fail) }
        let attention = Attention(
            scale: Float(scale ?? 1 / Double(query.shape[3]).squareRoot()), isCausal: mask.isCausal, window: mask.window.flatMap { $0 < logits[3] ? $0 : nil },
            hasLengths: lengths != nil, hasBias: mask.bias != nil)
        operands = AttentionOperands(attention, lengths: lengths, bias: mask.bias?.repeated(to: logits))
        (self.query, self.key, self.value) = (query, key, value)
    }

    private static let operation = "scaledDotProductAttention"

    private static func lengths(_ lengths: Tensor, _ logits: Shape, _ fail: (String) -> Never) -> Tensor {
        guard lengths.shape == [logits[0]], lengths.dtype.isInteger else {
            fail("lengths \(lengths.dtype) \(lengths.shape) are not int32 [\(logits[0])]")
        }
        for (index, length) in (lengths.integersOfHost ?? []).enumerated() where !(0...logits[3]).contains(length) {
            fail("sample \(index) has a length of \(length), which is not in 0 ... \(logits[3])")
        }
        return lengths.asIndices(operation, #fileID, #line)
    }

    func fail(_ reason: String) -> Never { programError(Self.operation, reason, file: file, line: line) }

    /// By products and a softmax, whose matrices [B, H, T, S] lie in memory: weights that are dropped have no other place.
    func composed(_ dropout: Dropout) -> Tensor {
        let (batch, heads, places) = (query.shape[0], key.shape[1], key.shape[2])
        // The queries of all heads that share a head of keys are rows of one product.
        let rows = query.shape[1] / heads * query.shape[2]
        let (key, value) = (operands.ownRows(of: key), operands.ownRows(of: value))
        let products = matmul(query.reshaped(to: [batch, heads, rows, query.shape[3]]), key.transposed()) * operands.attention.scale
        var logits = products.reshaped(to: [batch, query.shape[1], query.shape[2], places])
        if let bias = operands.bias { logits = logits + bias }
        let visible = operands.seen(query.shape[2], places, on: query.device)
        let isPartial = visible != nil || operands.bias != nil
        let weights = dropout(isPartial ? logits.softmax(whereVisible: visible) : logits.softmax())
        return matmul(weights.reshaped(to: [batch, heads, rows, places]), value).reshaped(to: query.shape)
    }
}

extension Tensor {
    /// eˣ / Σ eˣ along the last axis over what is visible and not −∞; 0 elsewhere, and 0 in a row without any.
    fileprivate func softmax(whereVisible visible: Tensor?) -> Tensor {
        withCustomGradient(of: self) { x in
            let seen = visible.map { .select($0, x, -.infinity) } ?? x
            let greatest = seen.max(alongAxes: -1, keepingDims: true)
            let isEmpty = greatest .== -.infinity
            let exponentials = exp(seen - .select(isEmpty, 0, greatest))
            let sums = exponentials.sum(alongAxes: -1, keepingDims: true)
            return exponentials * .select(isEmpty, 0, reciprocal(sums))
        } pullback: { gradient, _, y in
            y * (gradient - (gradient * y).sum(alongAxes: -1, keepingDims: true))
        }
    }
}
