import SomaGraph

/// Trains a language model to predict the token that follows, by the fields of `TextStreams` or `TextWindows`.
///
/// On streams a recurrent model goes on from the state in which the batch before has ended, and gradients reach back to the beginning of the batch:
/// truncated backpropagation through time (R. J. Williams, J. Peng, *An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
/// Trajectories*, Neural Computation 2, 1990).
public struct LanguageTask: TrainingTask {
    /// The name of the previews.
    public static let previewName = "samples"

    private let trained: CarriedLanguageModel
    private let player: Player
    private let measure: LanguageMeasure
    private let sample: (@Sendable () throws -> String)?

    /// Trains a model and, where it has one, carries its state.
    /// - Parameters:
    ///   - optimizer: of the model's parameters.
    ///   - measure: what is measured after every epoch.
    ///   - sample: a text of the model's for the run folder after every epoch; nil for none.
    public init(
        _ trained: CarriedLanguageModel, _ optimizer: Optimizer, measuredBy measure: LanguageMeasure, sample: (@Sendable () throws -> String)? = nil
    ) {
        (self.trained, self.measure, self.sample) = (trained, measure, sample)
        player = Player("model", optimizer)
    }

    public var module: any Module { trained }
    public var players: [Player] { [player] }
    public var criterion: Criterion? { measure.criterion }
    public func metrics(_ batch: Minibatch) -> [Metric] { measure.metrics(batch) }

    public func step(_ batch: Minibatch, _ context: StepContext) throws {
        let logits: Tensor
        if let carried = trained.carried, batch.names.contains("starts") {
            guard batch.count == carried.count else {
                programError("LanguageTask", "a batch of \(batch.count) texts, and the state is of \(carried.count)")
            }
            logits = carried.logits(batch["tokens"], starts: batch["starts"])
        } else {
            logits = trained.model(batch["tokens"], from: nil).logits
        }
        try context.minimize(crossEntropy(logits, batch["targets"]), by: player)
    }

    public func preview() throws -> [Preview] { try sample.map { [Preview(Self.previewName, .text(try $0()))] } ?? [] }
}
