import SomaBackend
import SomaGraph

/// Trains a model over epochs of a data set: replays a captured step, evaluates, keeps checkpoints, and tells what
/// happens.
///
/// ```swift
/// let trainer = Trainer(model, Classification(model), optimizer, options)
/// let result = try trainer.run(on: training, evaluatingOn: heldOut) { event in … }
/// ```
///
/// The same seed on the same device gives the same bits, also when a run was interrupted and another goes on from its
/// checkpoint.
public final class Trainer {
    /// How long and how a model is trained, and what is kept.
    public struct Options: Sendable {
        /// Passes over the data, at least 0.
        public var epochs: Int
        /// Samples per update.
        public var batchSize: Int
        /// The number of parts in which a batch is computed, one after the other; their gradients are added before the update. This takes the memory
        /// of one part and gives the same update as the whole batch, except where a layer looks at its whole batch.
        public var accumulation = 1
        /// Decides the order of the samples.
        public var seed: UInt64
        /// Updates from one reading of the loss to the next: reading waits for the device.
        public var readingInterval = 50
        /// Samples to evaluate at a time, fewer where they are large.
        public var evaluationBatchSize = 1000
        /// Where `last.safetensors` and `best.safetensors` are written; made where it is missing. Nil for nowhere.
        public var folder: String?
        /// Epochs from one checkpoint to the next; the last epoch always has one.
        public var checkpointInterval = 1
        /// Steps from one checkpoint to the next within an epoch; nil for none but at its end.
        public var checkpointStepInterval: Int?
        /// Epochs in a row without a better one after which training ends early; nil for never.
        public var patience: Int?
        /// How learning rates are reduced where a figure no longer improves, on top of the optimisers' schedules; nil for never.
        public var plateau: ReductionOnPlateau?
        /// What to write into the checkpoints, such as the recipe and its settings.
        public var metadata: [String: String] = [:]
        /// What may help where the loss is no longer a number, as whoever set up this training could act on it.
        public var divergenceAdvice = "a lower learning rate, or the optimiser's argument `clipping`, may help"

        /// So many epochs in batches of so many samples; `patience`, `folder` and the others can be set later too.
        public init(epochs: Int, batchSize: Int, seed: UInt64, patience: Int? = nil, folder: String? = nil) {
            (self.epochs, self.batchSize, self.seed) = (epochs, batchSize, seed)
            (self.patience, self.folder) = (patience, folder)
        }
    }

    let task: any TrainingTask
    let generator: RandomGenerator
    let options: Options
    let step: TrainingStep
    let device: Device
    private let evaluator: Evaluator
    /// What a checkpoint keeps of the loop.
    var progress: LoopProgress
    private var clock: TrainingClock
    private var backlog: Backlog
    /// Whether the figure that tells the best state was ever there: a metric may leave it out where there is nothing to measure.
    private var hasCriterion = false

    /// Trains what `task` says.
    /// - Parameter generator: where random numbers of training, such as dropout's, come from.
    public init(_ task: any TrainingTask, _ options: Options, generator: RandomGenerator = .current) {
        guard options.epochs >= 0, options.batchSize > 0, options.accumulation > 0, options.readingInterval > 0, options.checkpointInterval > 0,
            options.checkpointStepInterval ?? 1 > 0, options.patience ?? 1 > 0
        else {
            programError("Trainer", "epochs, batch size and intervals must be positive")
        }
        (self.task, self.options, self.generator) = (task, options, generator)
        step = TrainingStep(task, generator, batchSize: options.batchSize, parts: options.accumulation)
        device = task.players[0].optimizer.arena.device
        evaluator = Evaluator(task, device: device)
        progress = LoopProgress(losses: task.lossNames)
        clock = TrainingClock()
        backlog = Backlog(device: device)
    }

    /// Trains a model to minimise the loss of an objective.
    /// - Parameters:
    ///   - model: what checkpoints keep; the optimiser trains its parameters.
    ///   - generator: where random numbers of training, such as dropout's, come from.
    public convenience init(
        _ model: some Module, _ objective: any Objective, _ optimizer: Optimizer, _ options: Options, generator: RandomGenerator = .current
    ) {
        self.init(SupervisedTask(model, objective, optimizer), options, generator: generator)
    }

    /// Trains to the end of the last epoch.
    /// - Parameters:
    ///   - observer: who is told of each event, and asked after every update whether to stop.
    /// - Throws: `SomaError` where the loss becomes NaN or infinite, after the last good checkpoint was kept; what
    ///   reading a sample throws, once a checkpoint was written; what writing a file throws; `BackendError`.
    @discardableResult
    public func run(
        on training: some DataSet, evaluatingOn heldOut: (any DataSet)? = nil, observer: any RunObserver<TrainingEvent>
    ) throws -> TrainingResult {
        let loader = try BatchLoader(
            training, batchSize: options.batchSize, seed: options.seed, epochs: options.epochs, from: progress.position,
            feeding: device)
        progress.batchesPerEpoch = loader.batchesPerEpoch
        if let folder = options.folder { try Folder.make(folder) }
        clock = TrainingClock()
        backlog = Backlog(device: device)
        applyReductions()
        var (lastEpoch, failure): (EpochSummary?, (any Error)?) = (nil, nil)
        let count = min(options.batchSize, max(training.count, 1))
        if options.patience != nil && (heldOut == nil || task.criterion == nil) {
            programError("Trainer", "`patience` waits for a better epoch, which only data to evaluate on and a criterion can tell")
        }
        try step.check(training.fields, count: count)
        if let heldOut { task.check(heldOut.fields, count: count, on: device) }
        // Where nobody can be told any more training goes on to where it can stop without loss.
        func report(_ event: TrainingEvent) {
            if failure != nil { return }
            do { try device.noting(.reporting) { try observer.note(event) } } catch { failure = error }
        }
        try device.noting(.reporting) { try observer.note(.started(standing)) }
        let first = updateCount
        do {
            if progress.isEpochOpen { lastEpoch = try finishEpoch(heldOut, report) }
            while !isStoppedEarly, try device.noting(.looping, { try advance(loader, training, heldOut, &lastEpoch, report) }) {
                let isOver = observer.isInterrupted()
                if failure != nil { break }
                // What was to stop after the last update is done already.
                guard isOver, progress.position.epoch < options.epochs, !isStoppedEarly else { continue }
                try peekLosses()
                try saveLast(report)
                report(.interrupted(standing))
                if let failure { throw failure }
                return result(lastEpoch, isInterrupted: true)
            }
        } catch let unread as UnreadData {
            throw keepingWork(since: first, unread.error, report)
        }
        // Where there was nothing to train, the weights are still what this run has to give.
        if progress.checkpoint == nil && failure == nil { try saveLast(report) }
        if isStoppedEarly && progress.position.epoch < options.epochs { report(.stoppedEarly(standing)) }
        if let failure { throw keepingWork(since: first, failure) { _ in } }
        return result(lastEpoch, isInterrupted: false)
    }

    /// Trains on the next batch and, where it is the last of an epoch, evaluates; false where there is none.
    private func advance(
        _ loader: BatchLoader, _ training: some DataSet, _ heldOut: (any DataSet)?, _ lastEpoch: inout EpochSummary?,
        _ report: (TrainingEvent) throws -> Void
    ) throws -> Bool {
        guard let batch = try UnreadData.marking({ try device.noting(.reading, loader.next) }) else { return false }
        try train(batch, waited: loader.waiting.duration, report)
        for remark in training.takeRemarks() { try report(.remark(remark)) }
        if batch.isLastOfEpoch { lastEpoch = try finishEpoch(heldOut, report) }
        return true
    }

    /// Writes a checkpoint before training ends by an error that has nothing to do with the model.
    /// - Parameter first: the updates that had been made when training began; without any since there is nothing to keep.
    /// - Returns: the error, with what was kept.
    private func keepingWork(since first: Int, _ error: any Error, _ report: (TrainingEvent) throws -> Void) -> any Error {
        guard updateCount > first, options.folder != nil else { return error }
        do {
            try peekLosses()
            try saveLast(report)
        } catch { return error }
        guard let failure = error as? SomaError else { return error }
        let kept = "what was trained until then is kept in \(lastPath)"
        return SomaError(failure.message, hint: failure.hint.map { "\($0); \(kept)" } ?? kept)
    }

    private func result(_ lastEpoch: EpochSummary?, isInterrupted: Bool) -> TrainingResult {
        TrainingResult(
            isInterrupted: isInterrupted, isStoppedEarly: isStoppedEarly && progress.position.epoch < options.epochs, progress: standing,
            lastEpoch: lastEpoch, best: progress.best, checkpoint: progress.checkpoint)
    }

    /// Whether no epoch has been better for as many as the options say.
    private var isStoppedEarly: Bool {
        guard let patience = options.patience, !progress.isEpochOpen else { return false }
        // Where no epoch was any good, it is as if one before the first had been.
        return progress.position.batch == 0 && progress.position.epoch - 1 - (progress.best?.epoch ?? -1) >= patience
    }

    /// That of the player that has moved most often.
    private var updateCount: Int { task.players.map(\.optimizer.updateCount).max() ?? 0 }

    // MARK: Steps

    private func train(_ batch: Batch, waited: Duration, _ report: (TrainingEvent) throws -> Void) throws {
        try backlog.add(batch)
        let number = batch.position.epoch * progress.batchesPerEpoch + batch.position.batch
        try step(batch, number: number)
        progress.position = batch.next
        for index in step.toldLosses(of: number) { progress.unreadSamples[index] += batch.count }
        progress.unreadBatches += 1
        if !clock.isRunning {
            try device.synchronize()
            backlog.settle()
            clock.start(waited: waited)
            try report(.compiled(step.programs))
        } else {
            clock.sampleCount += batch.count
            clock.note(waited: waited)
            try backlog.addStep()
        }
        let isDue = progress.unreadBatches >= options.readingInterval || batch.isLastOfEpoch
        // Read first: the rate then counts the time that the device takes.
        let losses = isDue ? try readLosses() : nil
        if backlog.stepCount == 0 { clock.settle() }
        try report(.step(standing(after: batch), losses: losses))
        if let interval = options.checkpointStepInterval, !batch.isLastOfEpoch, (batch.position.batch + 1) % interval == 0 {
            try peekLosses()
            try saveLast(report)
        }
    }

    /// The mean losses since they were last read.
    private func readLosses() throws -> [Figure] {
        try peekLosses()
        let means = figures(progress.unreadLossSums, over: progress.unreadSamples)
        progress.countUnread()
        step.setLossSums(progress.unreadLossSums)
        return means
    }

    /// The means of the losses, but of those that were not told.
    private func figures(_ sums: [Double], over samples: [Int]) -> [Figure] {
        task.lossNames.indices.filter { samples[$0] > 0 || samples.count == 1 }.map { index in
            let name = task.lossNames[index]
            return Figure(name, sums[index] / Double(max(samples[index], 1)), better: .lower, title: name.replacing("_", with: " "))
        }
    }

    /// Reads the sums of losses and lets them grow on, so that a run that is interrupted here goes on with the same sums.
    private func peekLosses() throws {
        do {
            progress.unreadLossSums = try step.readLossSums()
            backlog.settle()
        } catch let error as SomaError {
            // The sum is read at the end of every epoch, when the position already is that of the next.
            let epoch = progress.position.batch == 0 ? progress.position.epoch : progress.position.epoch + 1
            throw SomaError("\(error.message) (epoch \(epoch))", hint: hintForDivergence)
        }
    }

    var hintForDivergence: String {
        let advice = options.divergenceAdvice
        return progress.checkpoint.map { "\(advice); the last good state is \($0)" } ?? advice
    }

    // MARK: Epochs

    private func finishEpoch(
        _ heldOut: (any DataSet)?, _ report: (TrainingEvent) throws -> Void
    ) throws -> EpochSummary {
        let number = progress.position.epoch - 1
        clock.pause()
        defer { clock.resume() }
        progress.isEpochOpen = true
        let evaluation = try heldOut.map { heldOut in try UnreadData.marking { try evaluate(heldOut) } }
        progress.isEpochOpen = false
        let losses = figures(progress.epochLossSums, over: progress.epochSamples)
        progress.epochLossSums = task.lossNames.map { _ in 0 }
        progress.epochSamples = task.lossNames.map { _ in 0 }
        for remark in heldOut?.takeRemarks() ?? [] { try report(.remark(remark)) }
        let value = task.criterion.flatMap { evaluation?[$0.measure] }
        if let criterion = task.criterion, let evaluation, value == nil, !hasCriterion {
            throw SomaError("the criterion '\(criterion.measure)' is none of the figures \(evaluation.report.figures.map(\.name))")
        }
        if value != nil { hasCriterion = true }
        // Weights by which any measure is no number are no good ones, whatever the criterion says.
        let isSound = evaluation?.report.figures.allSatisfy { !$0.value.isNaN } ?? true
        let isBest = isSound && value.map { task.criterion?.isBetter($0, than: progress.best?.value) ?? false } ?? false
        if isBest, let value { progress.best = (value, number) }
        let summary = EpochSummary(
            epoch: number, progress: standing, losses: losses, evaluation: evaluation, criterion: task.criterion, isBest: isBest)
        let reduction = try notePlateau(evaluation, losses)
        try report(.epoch(summary))
        if let reduction { try report(.remark(reduction)) }
        try preview(epoch: number, report)
        // The best first: a run that goes on from the last believes what it says of the best.
        if isBest { try saveBest(report) }
        if (number + 1) % options.checkpointInterval == 0 || number + 1 == options.epochs { try saveLast(report) }
        // After epoch 1, 2, 4, …: what changes from epoch to epoch is told early, and seldom looked for.
        if (number + 1).nonzeroBitCount == 1 { step.checkNumbersNext() }
        return summary
    }

    /// Evaluates the averaged weights where the optimiser keeps them, else the weights.
    public func evaluate(_ dataSet: any DataSet) throws -> Evaluation {
        let size = min(options.evaluationBatchSize, Backlog.limit / 4 / dataSet.sampleByteCount)
        return try device.noting(.evaluating) {
            try withBestWeights { try evaluator.evaluate(dataSet, batchSize: max(1, min(size, dataSet.count))) }
        }
    }

    func withBestWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
        try Self.withBestWeights(of: task.players[...], body)
    }

    private static func withBestWeights<Result>(of players: ArraySlice<Player>, _ body: () throws -> Result) rethrows -> Result {
        guard let optimizer = players.first?.optimizer else { return try body() }
        if optimizer.averages == nil { return try withBestWeights(of: players.dropFirst(), body) }
        return try optimizer.withAveragedWeights { try withBestWeights(of: players.dropFirst(), body) }
    }

    /// Writes what the task shows of itself into the folder.
    private func preview(epoch: Int, _ report: (TrainingEvent) throws -> Void) throws {
        guard let folder = options.folder else { return }
        let files = try device.noting(.evaluating) { try withDevice(device) { try withBestWeights { try withInference { try task.preview() } } } }
        for file in files { try report(.file(path: file.write(to: folder, epoch: epoch + 1))) }
    }

    /// The losses of a minibatch, and the gradients of those that are minimised; not computed yet.
    /// - Throws: `BackendError`.
    public func probe(_ batch: Minibatch) throws -> [Tensor] { try step.probe(batch) }

    // MARK: Standing

    private var standing: TrainingProgress { standing(epoch: progress.position.epoch, batch: progress.position.batch) }

    /// Counts a finished epoch as that epoch's last batch and not as the next one's beginning.
    private func standing(after batch: Batch) -> TrainingProgress {
        standing(epoch: batch.position.epoch, batch: batch.position.batch + 1)
    }

    private func standing(epoch: Int, batch: Int) -> TrainingProgress {
        TrainingProgress(
            epoch: epoch, epochCount: options.epochs, batch: batch, batchesPerEpoch: progress.batchesPerEpoch,
            updateCount: updateCount, waitingUpdates: backlog.stepCount, samplesPerSecond: clock.samplesPerSecond, dataWait: clock.dataWait,
            learningRate: learningRate, isOver: isStoppedEarly || epoch >= options.epochs, seconds: clock.seconds)
    }
}

extension Trainer {
    /// That of the first player's last update.
    private var learningRate: Double {
        let optimizer = task.players[0].optimizer
        return optimizer.rate(after: max(optimizer.updateCount - 1, 0))
    }
}

/// Why samples could not be read, which has nothing to do with what was trained until then.
private struct UnreadData: Error {
    let error: any Error

    static func marking<Result>(_ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as BackendError { throw error } catch { throw UnreadData(error: error) }
    }
}
