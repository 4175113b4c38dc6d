import SomaGraph

/// The cross-entropy −Σ_c q_c log p_c between the classes' probabilities p = softmax(logits) and the target
/// distribution q.
///
/// q is 1 at the target's class; with smoothing ε it is 1 − ε there and ε / C more at each of the C classes. A class
/// weight w_c multiplies q_c, and the mean is then one weighted by the targets' w. A target that is no class gives NaN.
///
/// C. Szegedy et al., *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016 (label smoothing).
/// - Parameters:
///   - logits: [..., classes], the logarithms of unnormalised probabilities.
///   - targets: [...], the number of the right class, of an integer dtype.
///   - labelSmoothing: ε.
///   - classWeights: [classes].
///   - ignoredIndex: a target that contributes neither to the loss nor to the mean's divisor.
public func crossEntropy(
    _ logits: Tensor, _ targets: Tensor, labelSmoothing: Double = 0, classWeights: Tensor? = nil,
    ignoredIndex: Int? = nil,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    logits.requireReal("crossEntropy", file, line)
    guard logits.rank > 0, Shape(Array(logits.shape.dimensions.dropLast())) == targets.shape, targets.dtype.isInteger
    else {
        programError(
            "crossEntropy",
            "logits \(logits.shape) need integer targets of that shape without its last axis, not "
                + "\(targets.dtype) \(targets.shape)", file: file, line: line)
    }
    guard (0...1).contains(labelSmoothing) else {
        programError("crossEntropy", "label smoothing \(labelSmoothing)", file: file, line: line)
    }
    let classes = logits.shape[logits.rank - 1]
    if let classWeights, classWeights.shape != [classes] || classWeights.dtype != logits.dtype {
        programError(
            "crossEntropy", "class weights \(classWeights.dtype) \(classWeights.shape) for \(classes) classes",
            file: file, line: line)
    }
    let rows = CrossEntropyRows(logits, targets, labelSmoothing, classWeights, ignoredIndex)
    return rows.reduced(reduction)
}

/// The losses of the rows, composed so that all of it, and of its gradient, is one walk over each row: the target is
/// found by comparison with the classes' numbers and not by a gather.
private struct CrossEntropyRows {
    private let targets: Tensor
    private let losses: Tensor
    /// The weight of each row's target class.
    private let weights: Tensor?
    private let isIgnored: Tensor?

    init(_ logits: Tensor, _ targets: Tensor, _ smoothing: Double, _ classWeights: Tensor?, _ ignoredIndex: Int?) {
        let classes = logits.shape[logits.rank - 1]
        // An int64 beyond int32 must not become another class.
        let column = (targets.dtype == .int64 ? targets : targets.as(.int32)).expandingDims(at: -1)
        let isTarget = column .== Tensor.range(classes, dtype: column.dtype, device: logits.device)
        let zero = logits.operand(0, "crossEntropy")
        func sum(_ x: Tensor) -> Tensor { x.sum(alongAxes: -1, keepingDims: true) }
        func picked(_ x: Tensor) -> Tensor { sum(.select(isTarget, x, zero)) }

        // Any shift leaves the loss as it is, so no gradient needs to pass through this one.
        let shifted = logits - logits.max(alongAxes: -1, keepingDims: true).withoutGradient()
        let normalizer = log(sum(exp(shifted)))
        let weights = classWeights.map { picked($0.expanded(to: shifted.shape)) }
        var losses = normalizer - picked(shifted)
        if let weights { losses = losses.weighted(by: weights) }
        if smoothing > 0 {
            let even =
                classWeights.map { sum((normalizer - shifted).weighted(by: $0)) } ?? (Double(classes) * normalizer - sum(shifted))
            let share = even * (smoothing / Double(classes))
            losses = smoothing < 1 ? losses * (1 - smoothing) + share : share
        }
        let isClass = (column .>= 0) .&& (column .< Double(classes))
        losses = .select(isClass, losses, logits.operand(.nan, "crossEntropy"))
        isIgnored = ignoredIndex.map { column .== Double($0) }
        if let isIgnored { losses = .select(isIgnored, zero, losses) }
        (self.targets, self.losses, self.weights) = (targets, losses, weights)
    }

    func reduced(_ reduction: LossReduction) -> Tensor {
        switch reduction {
        case .none: losses.reshaped(to: targets.shape)
        case .sum: losses.sum()
        case .mean: mean
        }
    }

    /// The sum of the losses by that of the weights of the rows that count.
    private var mean: Tensor {
        let ones = weights ?? .ones(like: losses)
        guard let isIgnored else {
            if weights == nil { return losses.sum() / Tensor(Double(losses.count), device: losses.device) }
            return PartialMeans.mean(losses.sum(), over: ones.sum())
        }
        return PartialMeans.mean(losses.sum(), over: Tensor.select(isIgnored, losses.operand(0, "crossEntropy"), ones).sum())
    }
}
