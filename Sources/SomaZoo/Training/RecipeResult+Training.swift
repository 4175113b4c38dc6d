import Soma

extension RecipeResult {
    /// How a training loop ended.
    /// - Parameter evaluate: measures the last weights where the loop has not.
    init(_ result: TrainingResult, evaluate: () throws -> Evaluation) rethrows {
        isInterrupted = result.isInterrupted
        epochs = result.progress.epoch
        seconds = result.progress.seconds
        samplesPerSecond = result.progress.samplesPerSecond
        checkpoint = result.checkpoint
        if isInterrupted { return }
        note(try result.lastEpoch?.evaluation ?? evaluate())
    }

    mutating func note(_ evaluation: Evaluation) {
        (testAccuracy, testLoss) = (evaluation["accuracy"], evaluation["loss"])
        measures["test_top5_accuracy"] = evaluation["top5_accuracy"]
    }
}

/// A number with so many decimals, as tables show it.
func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, value.magnitude < 1e9 else { return "\(value)" }
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let whole = Int((value.magnitude * scale).rounded())
    let fraction = String(whole % Int(scale))
    let sign = value < 0 && whole > 0 ? "-" : ""
    let digits = decimals == 0 ? "" : "." + String(repeating: "0", count: decimals - fraction.count) + fraction
    return "\(sign)\(whole / Int(scale))\(digits)"
}
