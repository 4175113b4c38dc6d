/// What a training loop tells while it runs.
public enum TrainingEvent: Sendable {
    /// A phase of several begins: its name, its number from 0, and how many there are.
    case phase(String, number: Int, of: Int)
    /// Training begins, at the start or where a checkpoint left off.
    case started(TrainingProgress)
    /// The first update was made, by these programs.
    case compiled([ProgramSummary])
    /// An update was made. The losses are there where they were read: the means over the samples since they were last read.
    case step(TrainingProgress, losses: [Figure]?)
    /// All samples were seen once more.
    case epoch(EpochSummary)
    /// A file was written into the folder: what the task shows of itself after an epoch.
    case file(path: String)
    /// Training ends before its last epoch, since none has been better for as many as the options say.
    case stoppedEarly(TrainingProgress)
    /// A checkpoint was written.
    case checkpoint(path: String, isBest: Bool)
    /// What there is to tell of reading the data, such as a picture that could not be read.
    case remark(String)
    /// Training stopped because it was asked to.
    case interrupted(TrainingProgress)
}

extension TrainingEvent {
    /// What an epoch has brought, where that is the event: `{ event in if let epoch = event.epoch { print(epoch) } }` tells of each.
    public var epoch: EpochSummary? {
        if case .epoch(let summary) = self { summary } else { nil }
    }
}

/// Where training stands.
public struct TrainingProgress: Sendable {
    /// The epoch under way, from 0, and how many there will be.
    public var epoch: Int
    /// How many epochs there will be.
    public var epochCount: Int
    /// Updates made in this epoch, and how many it has.
    public var batch: Int
    /// How many updates an epoch has.
    public var batchesPerEpoch: Int
    /// Updates made in all.
    public var updateCount: Int
    /// How many of these the device was given and has not done yet.
    public var waitingUpdates = 0
    /// Samples trained on per second, without the first step, which compiles; nil until it can be told.
    public var samplesPerSecond: Double?
    /// The share of that time, 0 to 1, during which the device had nothing to do because data were not read yet.
    public var dataWait: Double?
    /// The learning rate of the first player's last update.
    public var learningRate: Double
    /// Whether there is nothing left to train: all epochs are done, or none was better for as many as the options say.
    public var isOver = false
    /// Seconds since this run began.
    public var seconds: Double
}

/// The losses and the evaluation of an epoch.
public struct EpochSummary: Sendable {
    /// Its number, from 0.
    public let epoch: Int
    /// Where training stood at the end of the epoch.
    public let progress: TrainingProgress
    /// The means over the epoch of the losses that were minimised.
    public let losses: [Figure]
    /// The mean of the loss of a task that has one; of several the first.
    public var loss: Double { losses.first?.value ?? .nan }
    /// Measures over the held-out data, where there are any.
    public let evaluation: Evaluation?
    /// Which figure of the evaluation tells the best state.
    public let criterion: Criterion?
    /// Whether the evaluation is the best so far.
    public let isBest: Bool
}

extension EpochSummary: CustomStringConvertible {
    /// `epoch 3: loss 0.1201; held out: loss 0.0931, accuracy 0.9722`
    public var description: String {
        let heldOut = evaluation.map { "; held out: \($0)" } ?? ""
        return "epoch \(epoch + 1): \(losses.map(\.description).joined(separator: ", "))\(heldOut)"
    }
}

/// How a training run ended.
public struct TrainingResult: Sendable {
    /// Whether it was asked to stop.
    public let isInterrupted: Bool
    /// Whether it ended before its last epoch, since no epoch had been better for long.
    public let isStoppedEarly: Bool
    /// Where training stood at the end.
    public let progress: TrainingProgress
    /// The summary of the last epoch that was completed in this run.
    public let lastEpoch: EpochSummary?
    /// The best value of the task's criterion, and its epoch.
    public let best: (value: Double, epoch: Int)?
    /// The checkpoint from which training can go on.
    public let checkpoint: String?
}
