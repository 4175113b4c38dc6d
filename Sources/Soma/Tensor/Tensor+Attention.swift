import SomaGraph

/// What attention is computed from besides query, key and value, and which keys queries see.
package struct AttentionOperands {
    package var attention: Attention
    /// int32 [B]; only keys before it are seen.
    package var lengths: Tensor?
    /// Added to the scores: [B, H, T, S].
    package var bias: Tensor?

    package init(_ attention: Attention, lengths: Tensor? = nil, bias: Tensor? = nil) {
        (self.attention, self.lengths, self.bias) = (attention, lengths, bias)
    }

    var masks: [Node] { [lengths?.node, bias?.node].compactMap { $0 } }

    /// Keys or values [B, G, S, d] with zeros from the length of each sequence on: what lies there may be NaN, and 0 · NaN is not 0. The steps of
    /// devices do not read that far.
    func ownRows(of x: Tensor) -> Tensor {
        guard let lengths else { return x }
        let isOwn = Tensor.range(x.shape[2], device: x.device).expandingDims(at: 1) .< lengths.reshaped(to: [lengths.count, 1, 1, 1])
        return .select(isOwn, x, 0)
    }

    /// Which scores count: bool, of a shape that repeats to [B, H, T, S]; nil where all do.
    func seen(_ queries: Int, _ keys: Int, on device: Device) -> Tensor? {
        let position = Tensor.range(queries, device: device).reshaped(to: [queries, 1]) + (keys - queries)
        let key = Tensor.range(keys, device: device).reshaped(to: [1, keys])
        var conditions: [Tensor] = []
        if attention.isCausal { conditions.append((key .<= position).reshaped(to: [1, 1, queries, keys])) }
        if let window = attention.window { conditions.append((key .> position - window).reshaped(to: [1, 1, queries, keys])) }
        if let lengths { conditions.append(key.reshaped(to: [1, 1, 1, keys]) .< lengths.reshaped(to: [lengths.count, 1, 1, 1])) }
        guard let first = conditions.first else { return nil }
        return conditions.dropFirst().reduce(first) { $0 .&& $1 }
    }
}

extension Tensor {
    /// Attention as an operation that a device may have a step for: its output [B, H, T, e] and the logarithms [B, H, T].
    ///
    /// Shapes are those of `LibraryOperation.attention`; they are not checked.
    package static func attention(_ query: Tensor, _ key: Tensor, _ value: Tensor, _ operands: AttentionOperands) -> (output: Tensor, logarithms: Tensor) {
        let (output, logarithms) = composedAttention(query, key, value, operands)
        let whole = Node.library(
            .attention(operands.attention), compositions: [output.node, logarithms.node], [query.node, key.node, value.node] + operands.masks)
        return (Tensor(node: .libraryResult(whole, 0)), Tensor(node: .libraryResult(whole, 1)).sum(alongAxes: [3]))
    }

    private static func composedAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ operands: AttentionOperands
    ) -> (output: Tensor, logarithms: Tensor) {
        let heads = query.shape[1]
        let scores = attentionScores(query, key, operands)
        let seen = operands.seen(query.shape[2], key.shape[2], on: query.device)
        let visible = seen.map { Tensor.select($0, scores, -.infinity) } ?? scores
        let highest = visible.max(alongAxes: [3], keepingDims: true)
        // Where a query sees no key, all exponentials are 0.
        let reference = Tensor.select(highest .== -.infinity, 0, highest).withoutGradient()
        let weights = exp(visible - reference)
        let sum = weights.sum(alongAxes: [3], keepingDims: true)
        let isBlind = sum .== 0
        let output = matmul(weights, operands.ownRows(of: value).repeatedHeads(heads)) / Tensor.select(isBlind, 1, sum)
        let logarithm = Tensor.select(isBlind, .infinity, log(Tensor.select(isBlind, 1, sum)))
        return (output, Tensor(concatenating: [reference, logarithm], alongAxis: 3))
    }

    /// Scores [B, H, T, S].
    private static func attentionScores(_ query: Tensor, _ key: Tensor, _ operands: AttentionOperands) -> Tensor {
        let scores = matmul(query, operands.ownRows(of: key).repeatedHeads(query.shape[1]).transposed()) * operands.attention.scale
        return operands.bias.map { scores + $0 } ?? scores
    }

    /// What query, key and value get; see `LibraryOperation.attentionGradient`.
    static func attentionGradient(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, logarithms: Tensor, d: Tensor, _ g: Tensor, _ operands: AttentionOperands
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let weights = attentionWeights(query, key, logarithms, operands)
        let ofScores = attentionScoreGradient(weights, operands.ownRows(of: value), d, g) * operands.attention.scale
        let ofQuery = matmul(ofScores, operands.ownRows(of: key).repeatedHeads(query.shape[1]))
        let ofKey = matmul(ofScores.transposed(), query).summedHeads(key.shape[1])
        let ofValue = matmul(weights.transposed(), g).summedHeads(value.shape[1])
        let whole = Node.library(
            .attentionGradient(operands.attention), compositions: [ofQuery.node, ofKey.node, ofValue.node],
            [query, key, value, logarithms, d, g].map(\.node) + operands.masks)
        func result(_ index: Int) -> Tensor { Tensor(node: .libraryResult(whole, index)) }
        return (result(0), result(1), result(2))
    }

    /// The softmax of the scores from the logarithms of its sums.
    static func attentionWeights(_ query: Tensor, _ key: Tensor, _ logarithms: Tensor, _ operands: AttentionOperands) -> Tensor {
        let scores = attentionScores(query, key, operands)
        let seen = operands.seen(query.shape[2], key.shape[2], on: query.device)
        let parts = logarithms.split(into: 2, alongAxis: 3)
        let shifted = scores - parts[0].withoutGradient() - parts[1]
        return exp(seen.map { .select($0, shifted, -.infinity) } ?? shifted)
    }

    /// What the scores, bias included, get of the gradient g of the output.
    static func attentionScoreGradient(_ weights: Tensor, _ value: Tensor, _ d: Tensor, _ g: Tensor) -> Tensor {
        weights * (matmul(g, value.repeatedHeads(g.shape[1]).transposed()) - d.expandingDims(at: 3))
    }

    /// [B, G, S, d] as [B, H, S, d]: each head H / G times.
    private func repeatedHeads(_ heads: Int) -> Tensor {
        if shape[1] == heads { return self }
        let (batch, own, keys, width) = (shape[0], shape[1], shape[2], shape[3])
        return expandingDims(at: 2).repeated(to: [batch, own, heads / own, keys, width]).reshaped(to: [batch, heads, keys, width])
    }

    /// The adjoint of `repeatedHeads`.
    private func summedHeads(_ own: Int) -> Tensor {
        if shape[1] == own { return self }
        return reshaped(to: [shape[0], own, shape[1] / own, shape[2], shape[3]]).sum(alongAxes: [2])
    }
}

extension ResultsRule {
    /// Inputs: the two compositions, query, key, value, lengths, bias.
    func attention(_ attention: Attention) {
        let (query, key, value) = (input(2), input(3), input(4))
        let lengths = attention.hasLengths ? input(5) : nil
        let bias = attention.hasBias ? input(inputs.count - 1) : nil
        let operands = AttentionOperands(attention, lengths: lengths, bias: bias)
        let (output, logarithms) = (result(0), result(1))
        let g = gradients[.value(0)] ?? .zeros(like: output)
        let products = (g * output).sum(alongAxes: [3])
        // The greatest score is a reference only: no gradient passes it.
        let d = gradients[.value(1)].map { products - $0.split(into: 2, alongAxis: 3)[1].reshaped(to: products.shape) } ?? products
        let back = Tensor.attentionGradient(query, key, value, logarithms: logarithms, d: d, g, operands)
        pass(to: 2, back.query)
        pass(to: 3, back.key)
        pass(to: 4, back.value)
        if bias != nil {
            let weights = Tensor.attentionWeights(query, key, logarithms, operands)
            pass(to: inputs.count - 1, Tensor.attentionScoreGradient(weights, operands.ownRows(of: value), d, g))
        }
    }
}
