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
    // −log σ(x) = softplus(−x), and −log(1 − σ(x)) = x + softplus(−x).
    let missed = softplus(-logits)
    let weighted = positiveWeight.map { missed * (($0 - 1) * targets + 1) } ?? missed
    return ((1 - targets) * logits + weighted).reduced(reduction)
}

/// max(0, margin − t·x) for scores x and targets t of −1 or 1: the loss of support vector machines.
public func hingeLoss(
    _ scores: Tensor, _ targets: Tensor, margin: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("hingeLoss", scores, targets, file, line)
    return relu(margin - targets * scores).reduced(reduction)
}
