import SomaGraph

extension Metric {
    /// How far predictions are from targets, over all numbers: `rmse`, `mae`, and `r2` where targets differ.
    /// - Parameters:
    ///   - predictions, targets: of the same shape [n, …].
    ///   - scale: brings both back to their own unit first; nil where they are in it.
    public static func errors(
        _ predictions: Tensor, _ targets: Tensor, scale: Standardisation? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        requirePairs("errors", predictions, targets, file, line)
        return Metric(rows: [predictions, targets]) { totals in
            func own(_ values: [Double]) -> [Float] { values.map { value in Float(scale.map { $0.restored(Float(value)) } ?? value) } }
            let (predictions, targets) = (own(totals.rows[0]), own(totals.rows[1]))
            return Report([
                Figure("rmse", RegressionErrors.rootMeanSquared(predictions: predictions, targets: targets) ?? .nan, better: .lower, title: "RMSE"),
                Figure("mae", RegressionErrors.meanAbsolute(predictions: predictions, targets: targets) ?? .nan, better: .lower, title: "MAE"),
            ] + (RegressionErrors.determination(predictions: predictions, targets: targets).map {
                [Figure("r2", $0, better: .higher, title: "R²")]
            } ?? []))
        }
    }
}

/// How far predicted numbers are from the true ones, summed in double precision.
public enum RegressionErrors {
    /// The root of the mean squared error, in the unit of the targets; nil without samples.
    public static func rootMeanSquared(predictions: [Float], targets: [Float]) -> Double? {
        checkPairs(predictions.count, targets.count, "RegressionErrors.rootMeanSquared")
        return mean(predictions, targets) { $0 * $0 }.map { $0.squareRoot() }
    }

    /// The mean absolute error, in the unit of the targets; nil without samples.
    public static func meanAbsolute(predictions: [Float], targets: [Float]) -> Double? {
        checkPairs(predictions.count, targets.count, "RegressionErrors.meanAbsolute")
        return mean(predictions, targets) { abs($0) }
    }

    /// The share of the targets' variance that is explained: 1 − Σ (y − ŷ)² / Σ (y − ȳ)². 1 is perfect, the mean of the targets reaches 0, and
    /// worse answers less than 0.
    /// - Returns: nil where all targets are the same, or there are none.
    public static func determination(predictions: [Float], targets: [Float]) -> Double? {
        checkPairs(predictions.count, targets.count, "RegressionErrors.determination")
        guard let first = targets.first, targets.contains(where: { $0 != first }) else { return nil }
        let center = targets.reduce(0) { $0 + Double($1) } / Double(targets.count)
        let total = targets.reduce(0) { $0 + (Double($1) - center) * (Double($1) - center) }
        let rest = zip(predictions, targets).reduce(0) { $0 + (Double($1.1) - Double($1.0)) * (Double($1.1) - Double($1.0)) }
        return 1 - rest / total
    }

    private static func mean(_ predictions: [Float], _ targets: [Float], _ measure: (Double) -> Double) -> Double? {
        if targets.isEmpty { return nil }
        return zip(predictions, targets).reduce(0) { $0 + measure(Double($1.0) - Double($1.1)) } / Double(targets.count)
    }
}
