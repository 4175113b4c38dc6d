import Soma

/// Passes the events of a training loop on to who follows the run, the model's summary before the first. Until then nothing is told, so that a run
/// that cannot begin leaves its folder as it was; the phase in which it begins is told behind the model.
final class ExperimentObserver: RunObserver {
    private let context: RecipeContext
    private let model: ModelSummary
    private let remarks: [String]
    private var isModelTold = false
    private var firstPhase: TrainingEvent?

    /// - Parameter remarks: lines to tell behind the model.
    init(_ context: RecipeContext, _ model: ModelSummary, _ remarks: [String]) {
        (self.context, self.model, self.remarks) = (context, model, remarks)
    }

    func note(_ event: TrainingEvent) throws {
        if case .phase = event, !isModelTold { return firstPhase = event }
        if case .started = event, !isModelTold {
            isModelTold = true
            try context.report(.model(model))
            for remark in remarks { try context.report(.message(remark)) }
            if let firstPhase { try context.report(.training(firstPhase)) }
        }
        try context.report(.training(event))
    }

    func isInterrupted() -> Bool { context.isInterrupted() }
}

/// Stops a run, or a loop that is a part of it, as another observer would; nobody is told anything.
struct UntoldObserver<Event>: RunObserver {
    let context: RecipeContext

    func isInterrupted() -> Bool { context.isInterrupted() }
}
