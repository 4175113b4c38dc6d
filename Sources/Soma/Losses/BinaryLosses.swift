import SomaGraph

// Losses for two classes, from one logit each.

/// The cross-entropy −w t log σ(x) − (1 − t) log(1 − σ(x)) of logits x and targets t between 0 and 1, accurate for x of
/// any size.
/// - Parameter positiveWeight: w, one number or one that broadcasts, to make up for rare positives.
public func binaryCrossEntropy(
    logits: Tensor, _ targets: Tensor, positiveWeight: Tensor? = nil, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("binaryCrossEntropy", logits, targets, file, line)
    let weight = positiveWeight.map { $0.expanded(to: logits.shape, file: file, line: line) }
    return withElementwiseGradient(of: [logits, targets] + (weight.map { [$0] } ?? [])) { inputs in
        binaryCrossEntropies(inputs[0], inputs[1], weight)
    } pullback: { gradient, inputs, _ in
        let (x, t) = (inputs[0], inputs[1])
        guard inputs.count > 2 else { return [gradient * (sigmoid(x) - t), -gradient * x] }
        let missed = softplus(-x)
        return [
            gradient * ((1 - t) * sigmoid(x) - t * inputs[2] * sigmoid(-x)), gradient * (missed.weighted(by: inputs[2]) - softplus(x)),
            gradient * missed.weighted(by: t),
        ]
    }.reduced(reduction)
}

/// Each by itself: −log σ(x) = max(−x, 0) + l and −log(1 − σ(x)) = max(x, 0) + l, with l = log(1 + e^−|x|).
private func binaryCrossEntropies(_ x: Tensor, _ t: Tensor, _ positiveWeight: Tensor?) -> Tensor {
    let rest = 1 - t, positive = positiveWeight.map { t * $0 } ?? t
    let level = log1p(exp(-abs(x)))
    let slope = Tensor.select(x .> 0, rest, -positive)
    // Of an infinite x on its target's side nothing is left.
    let distance = (slope * x).replacing(with: 0, where: slope .== 0)
    return distance + (positiveWeight == nil ? level : level * (rest + positive))
}

/// max(0, margin − t·x) for scores x and targets t of −1 or 1: the loss of support vector machines. A target of 0 gives the margin, whatever
/// its score.
public func hingeLoss(
    _ scores: Tensor, _ targets: Tensor, margin: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("hingeLoss", scores, targets, file, line)
    return relu(margin - scores.weighted(by: targets)).reduced(reduction)
}
