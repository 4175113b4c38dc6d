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

func requirePairs(_ operation: String, _ predictions: Tensor, _ targets: Tensor, _ file: StaticString, _ line: UInt) {
    predictions.requireReal(operation, file, line)
    guard predictions.shape == targets.shape, predictions.dtype == targets.dtype else {
        programError(
            operation,
            "predictions \(predictions.dtype) \(predictions.shape), targets \(targets.dtype) \(targets.shape)",
            file: file, line: line)
    }
}
