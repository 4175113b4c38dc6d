import Soma

extension RecipeContext {
    /// The model to train: with weights drawn by the current generator or, where there is a checkpoint to go on from,
    /// with none yet. That the checkpoint fits, and that there is memory to train it, is checked before any is drawn.
    /// - Throws: `SomaError` naming what does not fit; `BackendError.outOfMemory`.
    func model<Model: Module>(trainedBy rule: any UpdateRule, _ make: () -> Model) throws -> Model {
        let outline = withoutInitialization(make)
        try checkpoint?.check(outline)
        let weightBytes = 4 * outline.parameters.reduce(0) { $0 + $1.shape.count }
        // Weights, their gradients, and what the rule keeps of each.
        try device.checkRoom(for: (2 + rule.momentNames.count) * weightBytes, onHost: weightBytes)
        return checkpoint == nil ? device.noting(.building, make) : outline
    }

    /// Passes the events of a training loop on, the model's summary before the first. Until then nothing is told, so
    /// that a run that cannot begin leaves its folder as it was.
    func reporting(_ model: ModelSummary, _ remarks: [String] = []) -> (TrainingEvent) throws -> Void {
        var isModelTold = false
        return { event in
            if case .started = event, !isModelTold {
                isModelTold = true
                try report(.model(model))
                for remark in remarks { try report(.message(remark)) }
            }
            try report(.training(event))
        }
    }

    /// What may help where the loss is no longer finite, in terms of a setting, which a run that is resumed cannot change.
    func advice(lower rate: Setting<Double>) -> String {
        "begun anew with \(rate.key)=\((settings[rate] / 10).settingText) it may go better"
    }

    /// What another number of epochs than the run began with does to the learning rate of the next update; nil where it does nothing.
    /// - Parameter schedule: that of a run of so many epochs; `name` is what it is called.
    func scheduleChange(_ name: String, _ schedule: (Int) -> Schedule) throws -> String? {
        guard let checkpoint, let done = checkpoint.updateCount else { return nil }
        let earlier = try SavedRun(checkpoint).epochs
        let rates = [earlier, epochs].map { schedule($0).rate(after: done) }
        if rates[0] == rates[1] { return nil }
        return "the schedule \(name) is over \(epochs) epochs now and not \(earlier): "
            + "the learning rate goes on at \(scientific(rates[1])) in place of \(scientific(rates[0]))"
    }
}
