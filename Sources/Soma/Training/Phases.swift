import SomaGraph

/// A part of a run: a task that is trained for so many epochs before the next begins, as layer after layer is before a network as a whole.
public struct TrainingPhase {
    /// As messages call it: `layer 2`.
    public let name: String
    /// Passes over the data.
    public let epochs: Int
    /// Learning rates, frozen parameters and what is minimised are the task's. It is made when the phase begins, as an optimiser moves the
    /// parameters that it is made with.
    public let task: () throws -> any TrainingTask
    /// What this phase is trained on and what is evaluated after each of its epochs, where that is not what the run is given.
    public let data: (training: any DataSet, heldOut: (any DataSet)?)?

    /// A phase of `epochs` epochs.
    /// - Parameter task: one whose `module` is that of the whole run, so that every checkpoint holds all of it.
    public init(_ name: String, epochs: Int, task: @escaping () throws -> any TrainingTask) {
        (self.name, self.epochs, self.task, data) = (name, epochs, task, nil)
    }

    /// A phase with data of its own.
    /// - Parameters:
    ///   - heldOut: what is evaluated after each epoch; nil for nothing.
    ///   - task: one whose `module` is that of the whole run, so that every checkpoint holds all of it.
    public init(
        _ name: String, epochs: Int, on training: any DataSet, evaluatingOn heldOut: (any DataSet)?, task: @escaping () throws -> any TrainingTask
    ) {
        (self.name, self.epochs, self.task, data) = (name, epochs, task, (training, heldOut))
    }
}

/// Trains phase after phase of a run, and goes on in the middle of one.
///
/// Each phase counts its own epochs and updates and has a best state of its own: `best.safetensors` is that of the phase that wrote it last.
/// A run of one phase is that of a `Trainer`, to the bytes of its checkpoints. Of phases of one name the second is told as `name (2)`, so that each
/// has rows of `metrics.csv` of its own.
///
/// ```swift
/// let trainer = PhasedTrainer([
///     TrainingPhase("head", epochs: 2) { try fineTuning(net, frozen: { !$0.hasPrefix("head") }) },
///     TrainingPhase("whole", epochs: 8) { try fineTuning(net, frozen: { _ in false }) },
/// ], options)
/// ```
public final class PhasedTrainer {
    private let phases: [TrainingPhase]
    /// What events call the phases.
    private let names: [String]
    private let options: Trainer.Options
    private let generator: RandomGenerator
    private var checkpoint: Checkpoint?
    private var first = 0
    /// Of the phase that is trained, or was trained last.
    private var current: Trainer?

    static let (phaseKey, phaseCountKey) = ("phase", "phases")

    /// Traps where there is no phase.
    /// - Parameters:
    ///   - options: those of every phase, but for the epochs.
    ///   - generator: where random numbers of training come from.
    public init(_ phases: [TrainingPhase], _ options: Trainer.Options, generator: RandomGenerator = .current) {
        if phases.isEmpty { programError("PhasedTrainer", "there are no phases") }
        (self.phases, self.options, self.generator) = (phases, options, generator)
        names = Self.distinct(phases.map(\.name))
    }

    /// The names, with a number behind those that an earlier one has; what rows of `metrics.csv` make of them differs too.
    private static func distinct(_ names: [String]) -> [String] {
        var taken: Set<String> = []
        return names.map { name in
            var (candidate, number) = (name, 1)
            while !taken.insert(MetricsFile.Row.cell(candidate)).inserted {
                number += 1
                candidate = "\(name) (\(number))"
            }
            return candidate
        }
    }

    /// Goes on where the run that wrote `checkpoint` had stopped, in whichever phase that was.
    /// - Throws: `SomaError` where the checkpoint is of none of the phases.
    public func resume(from checkpoint: Checkpoint) throws {
        let number = phases.count > 1 ? try checkpoint.count(Self.phaseKey) : 0
        guard phases.indices.contains(number) else {
            throw SomaError("\(checkpoint.path) is of phase \(number + 1), and the run has \(phases.count)")
        }
        (self.checkpoint, first) = (checkpoint, number)
    }

    /// Trains to the end of the last phase.
    /// - Parameters:
    ///   - observer: who is told of each event, and asked after every update whether to stop.
    /// - Returns: the result of the last phase that was trained.
    /// - Throws: as `Trainer.run`; what making a task throws.
    @discardableResult
    public func run(
        on training: some DataSet, evaluatingOn heldOut: (any DataSet)? = nil, observer: any RunObserver<TrainingEvent>
    ) throws -> TrainingResult {
        var result: TrainingResult?
        for number in first..<phases.count {
            let trainer = try makeTrainer(number)
            if number == first, let checkpoint { try trainer.resume(from: checkpoint) }
            current = trainer
            if phases.count > 1 { try observer.note(.phase(names[number], number: number, of: phases.count)) }
            let data = phases[number].data ?? (training, heldOut)
            let own = try trainer.run(on: data.training, evaluatingOn: data.heldOut, observer: observer)
            if own.isInterrupted { return own }
            result = own
        }
        guard let result else { programError("PhasedTrainer", "there are no phases") }
        return result
    }

    private func makeTrainer(_ number: Int) throws -> Trainer {
        var options = options
        options.epochs = phases[number].epochs
        if phases.count > 1 {
            (options.metadata[Self.phaseKey], options.metadata[Self.phaseCountKey]) = (String(number), String(phases.count))
        }
        return Trainer(try phases[number].task(), options, generator: generator)
    }

    /// Evaluates the weights as they are by the metrics of the phase that was trained last, or of the first one.
    /// - Throws: as `Evaluator.evaluate`; what making a task throws.
    public func evaluate(_ dataSet: any DataSet) throws -> Evaluation { try (current ?? makeTrainer(first)).evaluate(dataSet) }

    /// Where the best weights of each phase are written; nil where there is no folder.
    public var bestPath: String? { options.folder.map { "\($0)/\(Trainer.bestName)" } }

    /// The losses of a minibatch in the first phase, and the gradients of those that are minimised; not computed yet.
    /// - Throws: what making a task throws; `BackendError`.
    public func probe(_ batch: Minibatch) throws -> [Tensor] { try makeTrainer(0).probe(batch) }
}
