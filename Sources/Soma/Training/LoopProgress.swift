import SomaGraph

/// What a checkpoint keeps of a training loop besides the model and its optimiser.
struct LoopProgress {
    /// The batch to go on with.
    var position = BatchPosition.start
    /// Losses of the epoch under way that were read.
    var epochLossSum = 0.0
    var epochSamples = 0
    /// What was trained on since the loss was last read.
    var unreadLossSum = 0.0
    var unreadSamples = 0
    var unreadBatches = 0
    var best: (value: Double, epoch: Int)?
    var batchesPerEpoch = 0
    /// Whether the last epoch was trained and is yet to be evaluated.
    var isEpochOpen = false
    /// The checkpoint that this run has written last, or was resumed from.
    var checkpoint: String?

    /// Adds what was read to the epoch.
    mutating func countUnread() {
        epochLossSum += unreadLossSum
        epochSamples += unreadSamples
        (unreadLossSum, unreadSamples, unreadBatches) = (0, 0, 0)
    }

    var metadata: [String: String] {
        var result = [
            "epoch": String(position.epoch), "batch": String(position.batch),
            "epoch.loss_sum": String(epochLossSum), "epoch.samples": String(epochSamples),
            "unread.loss_sum": String(unreadLossSum), "unread.samples": String(unreadSamples),
            "unread.batches": String(unreadBatches),
        ]
        if isEpochOpen { result["epoch.open"] = "yes" }
        if let best { (result["best.value"], result["best.epoch"]) = (String(best.value), String(best.epoch)) }
        return result
    }

    init() {}

    /// - Throws: `SomaError` where `checkpoint` does not say where training stopped, or says what cannot be.
    init(_ checkpoint: Checkpoint) throws {
        position = BatchPosition(epoch: try checkpoint.count("epoch"), batch: try checkpoint.count("batch"))
        epochLossSum = try checkpoint.number("epoch.loss_sum")
        epochSamples = try checkpoint.count("epoch.samples")
        unreadLossSum = try checkpoint.number("unread.loss_sum")
        unreadSamples = try checkpoint.count("unread.samples")
        unreadBatches = try checkpoint.count("unread.batches")
        isEpochOpen = checkpoint.metadata["epoch.open"] != nil
        if checkpoint.metadata["best.value"] != nil {
            best = (try checkpoint.number("best.value"), try checkpoint.count("best.epoch"))
        }
        self.checkpoint = checkpoint.path
    }
}

extension Checkpoint {
    /// How many epochs a training loop had completed when it wrote this; nil where it was none.
    public var completedEpochs: Int? {
        guard let progress = try? LoopProgress(self) else { return nil }
        return progress.position.epoch - (progress.isEpochOpen ? 1 : 0)
    }

    /// How many updates the optimiser had made; nil where the file holds no state of one.
    public var updateCount: Int? { try? count(Self.updatesKey) }
}

extension Trainer {
    /// `last.safetensors`: where training can go on.
    public var lastPath: String { path("last.safetensors") }
    /// `best.safetensors`: the weights with the best evaluation.
    public var bestPath: String { path("best.safetensors") }

    private func path(_ name: String) -> String { (options.folder.map { $0 + "/" } ?? "") + name }

    /// Goes on where the run that wrote `checkpoint` had stopped, bit by bit as that would have gone on on the same
    /// device.
    /// - Throws: `SomaError` that names what does not fit; `BackendError`.
    public func resume(from checkpoint: Checkpoint) throws {
        let restored = try LoopProgress(checkpoint)
        try checkpoint.restore(model)
        try checkpoint.restore(optimizer, of: model)
        try checkpoint.restore(generator)
        step.setLossSum(restored.unreadLossSum)
        progress = restored
    }

    func saveLast(_ report: (TrainingEvent) throws -> Void) throws {
        guard options.folder != nil else { return }
        try optimizer.arena.device.noting(.saving) {
            try Checkpoint.write(
                model, optimizer: optimizer, generator: generator, metadata: metadata, requiresFinite: true, advice: options.divergenceAdvice,
                to: lastPath, links: .replaced)
        }
        progress.checkpoint = lastPath
        try report(.checkpoint(path: lastPath, isBest: false))
    }

    func saveBest(_ report: (TrainingEvent) throws -> Void) throws {
        guard options.folder != nil else { return }
        try optimizer.arena.device.noting(.saving) {
            try withBestWeights {
                try Checkpoint.write(
                    model, metadata: metadata, requiresFinite: true, advice: options.divergenceAdvice, to: bestPath, links: .replaced)
            }
        }
        try report(.checkpoint(path: bestPath, isBest: true))
    }

    private var metadata: [String: String] {
        let own = progress.metadata.merging(Arithmetic(of: optimizer.arena.device).metadata) { own, _ in own }
        return options.metadata.merging(own) { _, own in own }
    }
}
