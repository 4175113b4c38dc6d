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
        test = try (result.lastEpoch?.evaluation ?? evaluate()).report
    }
}
