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

    /// What another number of epochs than the run began with does to the learning rate of the next update; nil where it does nothing.
    /// - Parameters:
    ///   - name: as the setting has it: `cosine`.
    ///   - schedule: the learning rate of a run of so many epochs.
    /// - Throws: `SomaError` where the checkpoint does not say what run it is of.
    func scheduleChange(_ name: String, _ schedule: (Int) -> Schedule) throws -> String? {
        guard let checkpoint, let done = checkpoint.updateCount else { return nil }
        let earlier = try SavedRun(checkpoint).epochs
        let rates = [earlier, epochs].map { schedule($0).rate(after: done) }
        if rates[0] == rates[1] { return nil }
        return "the schedule \(name) is over \(epochs) epochs now and not \(earlier): "
            + "the learning rate goes on at \(scientific(rates[1])) in place of \(scientific(rates[0]))"
    }

    /// What another number of epochs than the run began with does not change: the phases that are over; nil where there are none.
    /// - Throws: `SomaError` where the checkpoint does not say what run it is of.
    var phaseRemark: String? {
        get throws {
            guard let checkpoint, let phase = checkpoint.phase, phase.number > 0 else { return nil }
            let earlier = try SavedRun(checkpoint).epochs
            if earlier == epochs { return nil }
            let over = phase.number == 1 ? "phase 1 is over and stays" : "phases 1 to \(phase.number) are over and stay"
            return "the run goes on with --epochs \(epochs) and began with \(earlier): \(over) as trained, so that phases do not compare"
        }
    }

    /// What may help where the loss is no longer finite, in terms of a setting, which a run that is resumed cannot change.
    func advice(lower rate: Setting<Double>) -> String {
        "begun anew with \(rate.key)=\((settings[rate] / 10).settingText) it may go better"
    }
}
