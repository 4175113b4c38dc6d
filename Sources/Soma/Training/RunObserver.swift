/// Who follows a run: is told what happens in it, and may stop it.
///
/// A training loop tells of a `TrainingEvent`; a recipe of `SomaZoo` of a `RecipeEvent`, which may be one of these.
///
/// ```swift
/// struct Losses: RunObserver {
///     func note(_ event: TrainingEvent) {
///         if let epoch = event.epoch { print(epoch.loss) }
///     }
/// }
/// ```
public protocol RunObserver<Event> {
    /// What is told.
    associatedtype Event

    /// Told of each event, in the order of what happens. What it throws ends the run, once a checkpoint was written.
    func note(_ event: Event) throws

    /// Asked after every training step, which is an update or, where these are tiny, a pass. Where it answers true, a checkpoint is written and the
    /// run stops.
    func isInterrupted() -> Bool
}

extension RunObserver {
    /// Tells nobody.
    public func note(_ event: Event) {}

    /// Never stops the run.
    public func isInterrupted() -> Bool { false }
}

/// The closures of a program that has no observer of its own.
private struct ClosureObserver: RunObserver {
    let report: (TrainingEvent) throws -> Void
    let stops: () -> Bool

    func note(_ event: TrainingEvent) throws { try report(event) }
    func isInterrupted() -> Bool { stops() }

    static func with<Result>(
        _ report: (TrainingEvent) throws -> Void, _ stops: () -> Bool, _ body: (ClosureObserver) throws -> Result
    ) throws -> Result {
        try withoutActuallyEscaping(report) { report in
            try withoutActuallyEscaping(stops) { stops in try body(ClosureObserver(report: report, stops: stops)) }
        }
    }
}

extension Trainer {
    /// Trains to the end of the last epoch, observed by closures or by nobody.
    /// - Parameters:
    ///   - report: called for each event; what it throws ends training, once a checkpoint was written.
    ///   - isInterrupted: asked after every update; where it answers true, a checkpoint is written and training stops.
    /// - Throws: as `run(on:evaluatingOn:observer:)`.
    @discardableResult
    public func run(
        on training: some DataSet, evaluatingOn heldOut: (any DataSet)? = nil, report: (TrainingEvent) throws -> Void = { _ in },
        isInterrupted: () -> Bool = { false }
    ) throws -> TrainingResult {
        try ClosureObserver.with(report, isInterrupted) { try run(on: training, evaluatingOn: heldOut, observer: $0) }
    }
}

extension PhasedTrainer {
    /// Trains to the end of the last phase, observed by closures or by nobody.
    /// - Parameters:
    ///   - report: called for each event; what it throws ends training, once a checkpoint was written.
    ///   - isInterrupted: asked after every update; where it answers true, a checkpoint is written and training stops.
    /// - Returns: the result of the last phase that was trained.
    /// - Throws: as `run(on:evaluatingOn:observer:)`.
    @discardableResult
    public func run(
        on training: some DataSet, evaluatingOn heldOut: (any DataSet)? = nil, report: (TrainingEvent) throws -> Void = { _ in },
        isInterrupted: () -> Bool = { false }
    ) throws -> TrainingResult {
        try ClosureObserver.with(report, isInterrupted) { try run(on: training, evaluatingOn: heldOut, observer: $0) }
    }
}
