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
    requireClasses("crossEntropy", logits, targets, classWeights, file, line)
    guard (0...1).contains(labelSmoothing) else {
        programError("crossEntropy", "label smoothing \(labelSmoothing)", file: file, line: line)
    }
    let classes = logits.shape[logits.rank - 1]
    let rows = ClassifiedRows(targets, classes: classes, ignoredIndex, like: logits)
    let logits = rows.counted(logits)
    // Any shift leaves the loss as it is, so no gradient needs to pass through this one.
    let shifted = logits - logits.max(alongAxes: -1, keepingDims: true).withoutGradient()
    let normalizer = log(exp(shifted).sum(alongAxes: -1, keepingDims: true))
    let weights = classWeights.map { rows.picked($0.expanded(to: shifted.shape)) }
    var losses = normalizer - rows.picked(shifted)
    if let weights { losses = losses.weighted(by: weights) }
    if labelSmoothing > 0 {
        let share = crossEntropyOfAllClasses(shifted, normalizer, classWeights) * (labelSmoothing / Double(classes))
        losses = labelSmoothing < 1 ? losses * (1 - labelSmoothing) + share : share
    }
    return rows.reduced(losses, weights, reduction)
}

/// Σ_c w_c (normalizer − logit_c) of each row, [..., 1].
private func crossEntropyOfAllClasses(_ logits: Tensor, _ normalizer: Tensor, _ classWeights: Tensor?) -> Tensor {
    func sum(_ x: Tensor) -> Tensor { x.sum(alongAxes: -1, keepingDims: true) }
    guard let classWeights else { return Double(logits.shape[logits.rank - 1]) * normalizer - sum(logits) }
    return sum((normalizer - logits).weighted(by: classWeights))
}

/// The negative log-likelihood −log p_c of the target's class c, from logarithms of probabilities: what `crossEntropy` is after a `logSoftmax`.
///
/// A class weight w_c multiplies it, and the mean is then one weighted by the targets' w. A target that is no class gives NaN.
/// - Parameters:
///   - logProbabilities: [..., classes], the last axis being that of the classes; PyTorch's `nll_loss` has it second.
///   - targets: [...], the number of the right class, of an integer dtype.
///   - classWeights: [classes].
///   - ignoredIndex: a target that contributes neither to the loss nor to the mean's divisor.
public func negativeLogLikelihood(
    _ logProbabilities: Tensor, _ targets: Tensor, classWeights: Tensor? = nil, ignoredIndex: Int? = nil,
    reduction: LossReduction = .mean, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requireClasses("negativeLogLikelihood", logProbabilities, targets, classWeights, file, line)
    let rows = ClassifiedRows(targets, classes: logProbabilities.shape[logProbabilities.rank - 1], ignoredIndex, like: logProbabilities)
    let logProbabilities = rows.counted(logProbabilities)
    let weights = classWeights.map { rows.picked($0.expanded(to: logProbabilities.shape)) }
    let losses = -rows.picked(logProbabilities)
    return rows.reduced(weights.map { losses.weighted(by: $0) } ?? losses, weights, reduction)
}

private func requireClasses(
    _ operation: String, _ logits: Tensor, _ targets: Tensor, _ classWeights: Tensor?, _ file: StaticString, _ line: UInt
) {
    logits.requireReal(operation, file, line)
    guard logits.rank > 0, Shape(Array(logits.shape.dimensions.dropLast())) == targets.shape, targets.dtype.isInteger
    else {
        programError(
            operation,
            "logits \(logits.shape) need integer targets of that shape without its last axis, not "
                + "\(targets.dtype) \(targets.shape)", file: file, line: line)
    }
    let classes = logits.shape[logits.rank - 1]
    if let classWeights, classWeights.shape != [classes] || classWeights.dtype != logits.dtype {
        programError(
            operation, "class weights \(classWeights.dtype) \(classWeights.shape) for \(classes) classes",
            file: file, line: line)
    }
}

/// Rows of a number for each class, composed so that all of a loss, and of its gradient, is one walk over each row: the target is
/// found by comparison with the classes' numbers and not by a gather.
private struct ClassifiedRows {
    private let targets, column, isTarget, isClass: Tensor
    /// [..., 1]; nil where no target is ignored.
    private let isIgnored: Tensor?
    /// Rank 0.
    private let zero: Tensor

    init(_ targets: Tensor, classes: Int, _ ignoredIndex: Int?, like rows: Tensor) {
        self.targets = targets
        // An int64 beyond int32 must not become another class.
        column = (targets.dtype == .int64 ? targets : targets.as(.int32)).expandingDims(at: -1)
        isTarget = column .== Tensor.range(classes, dtype: column.dtype, device: rows.device)
        isIgnored = ignoredIndex.map { [column] in column .== Double($0) }
        isClass = (column .>= 0) .&& (column .< Double(classes))
        zero = rows.operand(0, "crossEntropy")
    }

    /// Rows with zeros in those that are ignored, so that whatever stands there is in no derivative of any order.
    func counted(_ x: Tensor) -> Tensor { isIgnored.map { Tensor.select($0.expanded(to: x.shape), zero, x) } ?? x }

    /// The element at each row's target, [..., 1].
    func picked(_ x: Tensor) -> Tensor { Tensor.select(isTarget, x, zero).sum(alongAxes: -1, keepingDims: true) }

    /// - Parameters:
    ///   - losses: of the rows, [..., 1].
    ///   - weights: of each row's target class, if classes have weights.
    func reduced(_ losses: Tensor, _ weights: Tensor?, _ reduction: LossReduction) -> Tensor {
        var losses = Tensor.select(isClass, losses, zero.operand(.nan, "crossEntropy"))
        if let isIgnored { losses = .select(isIgnored, zero, losses) }
        switch reduction {
        case .none: return losses.reshaped(to: targets.shape)
        case .sum: return losses.sum()
        case .mean: return mean(losses, weights)
        }
    }

    /// The sum of the losses by that of the weights of the rows that count.
    private func mean(_ losses: Tensor, _ weights: Tensor?) -> Tensor {
        let ones = weights ?? .ones(like: losses)
        guard let isIgnored else {
            if weights == nil { return losses.sum() / Tensor(Double(losses.count), device: losses.device) }
            return PartialMeans.mean(losses.sum(), over: ones.sum())
        }
        return PartialMeans.mean(losses.sum(), over: Tensor.select(isIgnored, zero, ones).sum())
    }
}
