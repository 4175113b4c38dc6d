import SomaGraph

/// What a checkpoint keeps of a training loop besides the model and its optimiser.
struct LoopProgress {
    /// The batch to go on with.
    var position = BatchPosition.start
    /// Sums of the losses of the epoch under way that were read, for each loss of the task.
    var epochLossSums: [Double]
    /// The samples that each of these sums is over: a loss that is told in one turn of several is of fewer than there were.
    var epochSamples: [Int]
    /// What was trained on since the losses were last read.
    var unreadLossSums: [Double]
    var unreadSamples: [Int]
    var unreadBatches = 0
    var best: (value: Double, epoch: Int)?
    var batchesPerEpoch = 0
    /// Whether the last epoch was trained and is yet to be evaluated.
    var isEpochOpen = false
    /// What is remembered of the figure that reduces learning rates.
    var plateau = ReductionOnPlateau.State()
    /// The checkpoint that this run has written last, or was resumed from.
    var checkpoint: String?
    /// What the losses are called.
    private let lossNames: [String]

    init(losses names: [String]) {
        lossNames = names
        (epochLossSums, unreadLossSums) = (names.map { _ in 0 }, names.map { _ in 0 })
        (epochSamples, unreadSamples) = (names.map { _ in 0 }, names.map { _ in 0 })
    }

    /// Adds what was read to the epoch.
    mutating func countUnread() {
        epochLossSums = zip(epochLossSums, unreadLossSums).map { $0 + $1 }
        epochSamples = zip(epochSamples, unreadSamples).map { $0 + $1 }
        unreadLossSums = lossNames.map { _ in 0 }
        unreadSamples = lossNames.map { _ in 0 }
        unreadBatches = 0
    }

    var metadata: [String: String] {
        var result = [
            "epoch": String(position.epoch), "batch": String(position.batch),
            "unread.batches": String(unreadBatches),
        ]
        for (span, sums, samples) in [("epoch", epochLossSums, epochSamples), ("unread", unreadLossSums, unreadSamples)] {
            for (key, sum) in zip(keys("\(span).loss_sum"), sums) { result[key] = String(sum) }
            for (key, count) in zip(keys("\(span).samples"), samples) { result[key] = String(count) }
        }
        if isEpochOpen { result["epoch.open"] = "yes" }
        if let best { (result["best.value"], result["best.epoch"]) = (String(best.value), String(best.epoch)) }
        return result.merging(plateau.metadata) { own, _ in own }
    }

    /// The keys of something for each loss; one loss has the key that checkpoints of one loss have.
    private func keys(_ key: String) -> [String] { lossNames.count == 1 ? [key] : lossNames.map { "\(key).\($0)" } }

    /// - Throws: `SomaError` where `checkpoint` does not say where training stopped, or says what cannot be.
    init(_ checkpoint: Checkpoint, losses names: [String]) throws {
        self.init(losses: names)
        position = BatchPosition(epoch: try checkpoint.count("epoch"), batch: try checkpoint.count("batch"))
        epochLossSums = try keys("epoch.loss_sum").map { try checkpoint.number($0) }
        epochSamples = try keys("epoch.samples").map { try checkpoint.count($0) }
        unreadLossSums = try keys("unread.loss_sum").map { try checkpoint.number($0) }
        unreadSamples = try keys("unread.samples").map { try checkpoint.count($0) }
        unreadBatches = try checkpoint.count("unread.batches")
        isEpochOpen = checkpoint.metadata["epoch.open"] != nil
        if checkpoint.metadata["best.value"] != nil {
            best = (try checkpoint.number("best.value"), try checkpoint.count("best.epoch"))
        }
        plateau = try ReductionOnPlateau.State(checkpoint)
        self.checkpoint = checkpoint.path
    }
}

extension Checkpoint {
    /// How many epochs a training loop had completed when it wrote this; nil where it was none.
    public var completedEpochs: Int? {
        guard isOfLastPhase, let progress = try? LoopProgress(self, losses: []) else { return nil }
        return progress.position.epoch - (progress.isEpochOpen ? 1 : 0)
    }

    /// The phase, from 0, that a run in phases was in when it wrote this, and how many it has; nil of any other run.
    package var phase: (number: Int, count: Int)? {
        guard let phase = try? count(PhasedTrainer.phaseKey), let all = try? count(PhasedTrainer.phaseCountKey) else { return nil }
        return (phase, all)
    }

    /// Whether no phase of a run comes after that of this checkpoint.
    private var isOfLastPhase: Bool { phase.map { $0.number + 1 >= $0.count } ?? true }

    /// How many updates the optimiser had made, or that of several which made most; nil where the file holds no state of one.
    public var updateCount: Int? {
        metadata.keys.filter { $0.isExactly(Self.updatesKey) || $0.beginsExactly(with: Self.updatesKey + ".") }.compactMap { try? count($0) }.max()
    }
}

extension Trainer {
    /// `last.safetensors`: where training can go on.
    public var lastPath: String { path("last.safetensors") }
    /// `best.safetensors`: the weights with the best evaluation.
    public var bestPath: String { path(Self.bestName) }
    static let bestName = "best.safetensors"

    private func path(_ name: String) -> String { (options.folder.map { $0 + "/" } ?? "") + name }

    /// Goes on where the run that wrote `checkpoint` had stopped, bit by bit as that would have gone on on the same
    /// device.
    /// - Throws: `SomaError` that names what does not fit; `BackendError`.
    public func resume(from checkpoint: Checkpoint) throws {
        if let phase = checkpoint.metadata[PhasedTrainer.phaseKey], phase != options.metadata[PhasedTrainer.phaseKey] {
            throw SomaError("\(checkpoint.path) is of a run in phases", hint: "a PhasedTrainer goes on with it")
        }
        let restored = try LoopProgress(checkpoint, losses: task.lossNames)
        try checkpoint.restore(task.module)
        try checkpoint.restore(task.players, of: task.module)
        try checkpoint.restore(generator)
        step.setLossSums(restored.unreadLossSums)
        progress = restored
        applyReductions()
    }

    func saveLast(_ report: (TrainingEvent) throws -> Void) throws {
        guard options.folder != nil else { return }
        try device.noting(.saving) {
            try Checkpoint.write(
                task.module, players: task.players, generator: generator, metadata: metadata, requiresFinite: true,
                advice: hintForDivergence, to: lastPath, links: .replaced)
        }
        progress.checkpoint = lastPath
        try report(.checkpoint(path: lastPath, isBest: false))
    }

    func saveBest(_ report: (TrainingEvent) throws -> Void) throws {
        guard options.folder != nil else { return }
        try device.noting(.saving) {
            try withBestWeights {
                try Checkpoint.write(
                    task.module, metadata: metadata, requiresFinite: true, advice: hintForDivergence, to: bestPath, links: .replaced)
            }
        }
        try report(.checkpoint(path: bestPath, isBest: true))
    }

    private var metadata: [String: String] {
        let own = progress.metadata.merging(Arithmetic(of: device).metadata) { own, _ in own }
        return options.metadata.merging(own) { _, own in own }
    }
}
