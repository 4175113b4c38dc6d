import SomaGraph

// Losses for real targets of the predictions' shape.

/// The squared error (prediction − target)².
public func meanSquaredError(
    _ predictions: Tensor, _ targets: Tensor, reduction: LossReduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
) -> Tensor {
    requirePairs("meanSquaredError", predictions, targets, file, line)
    return square(predictions - targets).reduced(reduction)
}

/// The absolute error |prediction − target|.
public func meanAbsoluteError(
    _ predictions: Tensor, _ targets: Tensor, reduction: LossReduction = .mean, file: StaticString = #fileID,
    line: UInt = #line
) -> Tensor {
    requirePairs("meanAbsoluteError", predictions, targets, file, line)
    return abs(predictions - targets).reduced(reduction)
}

/// ½ e² for an error |e| ≤ δ, else δ (|e| − ½ δ): square near 0, and no steeper than δ anywhere.
///
/// P. J. Huber, *Robust Estimation of a Location Parameter*, Annals of Mathematical Statistics 35, 1964.
public func huberLoss(
    _ predictions: Tensor, _ targets: Tensor, delta: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("huberLoss", predictions, targets, file, line)
    guard delta > 0 else { programError("huberLoss", "delta \(delta) is not positive", file: file, line: line) }
    return withElementwiseGradient(of: predictions - targets) { error in
        let size = abs(error)
        return .select(size .<= delta, square(error) * 0.5, (size - delta / 2) * delta)
    } pullback: { gradient, error, _ in
        gradient * error.clamped(to: -delta...delta)
    }.reduced(reduction)
}

/// ½ e² / β for an error |e| < β, else |e| − ½ β: `huberLoss` by β, which tends to the absolute error as β tends to 0, where it is that.
///
/// R. Girshick, *Fast R-CNN*, ICCV 2015.
public func smoothL1Loss(
    _ predictions: Tensor, _ targets: Tensor, beta: Double = 1, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("smoothL1Loss", predictions, targets, file, line)
    guard beta >= 0 else { programError("smoothL1Loss", "beta \(beta) is negative", file: file, line: line) }
    if beta == 0 { return meanAbsoluteError(predictions, targets, reduction: reduction, file: file, line: line) }
    return withElementwiseGradient(of: predictions - targets) { error in
        let size = abs(error)
        return .select(size .< beta, square(error) * (0.5 / beta), size - beta / 2)
    } pullback: { gradient, error, _ in
        gradient * (error / beta).clamped(to: -1.0...1.0)
    }.reduced(reduction)
}

/// The Kullback–Leibler divergence Σ t (log t − log p) of targets t from predictions p, both probabilities; 0 where t is 0.
///
/// The mean is that over the samples, which lie along the first axis: PyTorch's reduction `batchmean`. Its reduction `mean` divides by the number of elements.
/// - Parameters:
///   - logProbabilities: log p, as `logSoftmax` gives it.
///   - targets: t, of the same shape, or log t.
///   - targetsAreLogarithms: whether the targets are log t.
///   - reduction: `none` gives the terms of the sum, element by element.
public func klDivergence(
    _ logProbabilities: Tensor, _ targets: Tensor, targetsAreLogarithms: Bool = false, reduction: LossReduction = .mean,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    requirePairs("klDivergence", logProbabilities, targets, file, line)
    let isNothing = targets .== (targetsAreLogarithms ? -.infinity : 0)
    let (probabilities, logarithms) = targetsAreLogarithms ? (exp(targets), targets) : (targets, log(targets))
    let terms = Tensor.select(isNothing, 0.0, probabilities * (logarithms - logProbabilities))
    switch reduction {
    case .none: return terms
    case .sum: return terms.sum()
    case .mean: return terms.sum() / Tensor(Double(terms.rank == 0 ? 1 : terms.shape[0]), device: terms.device)
    }
}

func requirePairs(_ operation: String, _ predictions: Tensor, _ targets: Tensor, _ file: StaticString, _ line: UInt) {
    predictions.requireReal(operation, file, line)
    guard predictions.shape == targets.shape, predictions.dtype == targets.dtype else {
        programError(
            operation,
            "predictions \(predictions.dtype) \(predictions.shape), targets \(targets.dtype) \(targets.shape)",
            file: file, line: line)
    }
}
