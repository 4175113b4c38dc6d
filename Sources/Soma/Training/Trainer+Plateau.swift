extension Trainer {
    /// Lets the optimisers' rates be as often reduced as the progress says.
    func applyReductions() {
        for player in task.players { player.optimizer.reduceRates(options.plateau.map { ($0, progress.plateau.reductions) }) }
    }

    /// Looks at the figure of an epoch, and reduces learning rates where it has not improved for long.
    /// - Returns: what to tell, where they were reduced.
    /// - Throws: `SomaError` where there never was such a figure, or none of its values is better than others.
    func notePlateau(_ evaluation: Evaluation?, _ losses: [Figure]) throws -> String? {
        guard let plateau = options.plateau, let (name, value, isHigherBetter) = try watched(plateau, evaluation, losses) else { return nil }
        let before = progress.plateau.reductions
        plateau.note(value, isHigherBetter: isHigherBetter, &progress.plateau)
        if progress.plateau.reductions == before { return nil }
        applyReductions()
        let epochs = plateau.patience + 1
        let span = epochs == 1 ? "in this epoch" : "for \(epochs) epochs"
        return "\(name) has not improved \(span): the learning rate is multiplied by \(plateau.factor)"
    }

    /// nil where a metric leaves the figure out for once.
    private func watched(
        _ plateau: ReductionOnPlateau, _ evaluation: Evaluation?, _ losses: [Figure]
    ) throws -> (name: String, value: Double, isHigherBetter: Bool)? {
        let criterion = evaluation == nil ? nil : task.criterion
        let name = plateau.figure ?? criterion?.measure ?? task.lossNames[0]
        let figures = (evaluation?.report.figures ?? []) + losses
        guard let figure = figures.first(where: { $0.name.isExactly(name) }) else {
            if progress.plateau.best != nil { return nil }
            throw SomaError("the learning rate is to follow '\(name)', which is none of the figures \(figures.map(\.name))")
        }
        if let criterion, criterion.measure.isExactly(name) { return (name, figure.value, criterion.prefersHigh) }
        guard let better = figure.better else {
            throw SomaError("the learning rate is to follow '\(name)', of which neither higher nor lower values are better")
        }
        return (name, figure.value, better == .higher)
    }
}

extension ReductionOnPlateau.State {
    private static let (best, badEpochs, cooldown, reductions) = ("plateau.best", "plateau.bad_epochs", "plateau.cooldown", "plateau.reductions")

    /// As a checkpoint keeps it; nothing where nothing was noted yet.
    var metadata: [String: String] {
        if self == Self() { return [:] }
        var result = [Self.badEpochs: String(badEpochs), Self.cooldown: String(cooldown), Self.reductions: String(reductions)]
        if let best { result[Self.best] = String(best) }
        return result
    }

    /// - Throws: `SomaError` where the checkpoint says what cannot be.
    init(_ checkpoint: Checkpoint) throws {
        self.init()
        guard checkpoint.metadata[Self.badEpochs] != nil else { return }
        (badEpochs, cooldown) = (try checkpoint.count(Self.badEpochs), try checkpoint.count(Self.cooldown))
        reductions = try checkpoint.count(Self.reductions)
        if checkpoint.metadata[Self.best] != nil { best = try checkpoint.number(Self.best) }
    }
}
