import SomaGraph
import Synchronization

/// Trains parameters: takes gradients of a loss and moves the parameters against them, all of them with one launch.
///
/// ```swift
/// let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
/// for (x, y) in batches {
///     try optimizer.update(minimizing: crossEntropy(model(x), y))
/// }
/// ```
///
/// A parameter belongs to the optimiser that was made last with it; an earlier one that updates it traps. Steps captured before follow it.
public final class Optimizer: Sendable {
    /// What turns a gradient into a step.
    public let rule: any UpdateRule
    /// The parameters that are trained, in the order of the groups: those of all groups that are not frozen.
    public var parameters: [Parameter] { arena.inOrderOfGroups }

    let arena: ParameterArena
    /// The rule's running values, in the order of its names.
    let moments: [State]
    /// The exponential moving average of the weights, if one is kept.
    let averages: State?
    private let averageDecay: Double
    private let clipping: GradientClipping?
    private let progress: Mutex<Progress>

    private struct Progress {
        var updates = 0
        var learningRate: Schedule
        /// What a training loop has done to the rate, and how often.
        var reduction: (rule: ReductionOnPlateau, times: Int)?

        func rate(after updates: Int) -> Double {
            let rate = learningRate.rate(after: updates)
            return reduction.map { $0.rule.reduced(rate, times: $0.times) } ?? rate
        }
    }

    /// Moves the parameters of all groups into one memory.
    /// - Parameters:
    ///   - groups: parameters and how each is treated; see `Module.parameterGroups`.
    ///   - averageDecay: d of an average a ← d a + (1 − d) w that follows the weights; nil for none.
    /// - Throws: `BackendError.outOfMemory`; whatever the device fails with.
    public init(
        _ rule: any UpdateRule, groups: [ParameterGroup], learningRate: Schedule, clipping: GradientClipping? = nil,
        averageDecay: Double? = nil
    ) throws {
        if Capture.current != nil { programError("Optimizer", "made while a step is captured; make it before") }
        let arena = ParameterArena(groups)
        (self.rule, self.arena, self.clipping) = (rule, arena, clipping)
        moments = rule.momentNames.map { _ in State(.zeros([arena.count], device: arena.device)) }
        averages = averageDecay.map { _ in State(arena.state.tensor) }
        self.averageDecay = averageDecay ?? 0
        progress = Mutex(Progress(learningRate: learningRate))
        try realizeAll(([arena.state, averages].compactMap { $0 } + moments).map(\.tensor))
    }

    /// Trains all parameters of a model alike.
    /// - Throws: `BackendError.outOfMemory`; whatever the device fails with.
    public convenience init(
        _ rule: any UpdateRule, for model: some Module, learningRate: Schedule, clipping: GradientClipping? = nil,
        averageDecay: Double? = nil
    ) throws {
        ModelContents.requireParameters(of: model)
        try self.init(
            rule, groups: [ParameterGroup(model.parameters)], learningRate: learningRate, clipping: clipping,
            averageDecay: averageDecay)
    }

    /// The learning rate as a function of the count of updates; a new one holds from the next update on, in captured
    /// steps too.
    public var learningRate: Schedule {
        get { progress.withLock { $0.learningRate } }
        set { progress.withLock { $0.learningRate = newValue } }
    }

    /// Has the rates of the schedule reduced so many times from the next update on; nil for never.
    func reduceRates(_ reduction: (rule: ReductionOnPlateau, times: Int)?) { progress.withLock { $0.reduction = reduction } }

    /// The rate of the update that follows on so many others, as the schedule and reductions have it.
    func rate(after updates: Int) -> Double { progress.withLock { $0.rate(after: updates) } }

    /// How many updates were made.
    public internal(set) var updateCount: Int {
        get { progress.withLock { $0.updates } }
        set { progress.withLock { $0.updates = newValue } }
    }

    // MARK: Updating

    /// One update: parameters and everything else that is pending on their device are computed together with `loss`.
    ///
    /// The expression given for `loss` is built to train (`withTraining`) unless something else was said. A loss that was built before
    /// must have been built so, see `Mode`.
    /// Inside `compiled` it becomes part of the captured step, and each replay is an update.
    /// - Throws: `BackendError`; the parameters are then as before.
    public func update(minimizing loss: @autoclosure () throws -> Tensor, file: StaticString = #fileID, line: UInt = #line) throws {
        let before = updateCount
        let loss = try Mode.impliedTraining(loss)
        try assignUpdate(flatGradient(of: loss, file: file, line: line), file, line)
        try undoingCount(to: before) { try arena.device.update([loss]) }
    }

    /// One update by gradients of one's own, one for each of `parameters`. Hand them over without keeping them: weights
    /// that somebody could still ask for are copied and not overwritten.
    /// - Parameter results: what to compute with it, such as the loss.
    /// - Throws: `BackendError`; the parameters are then as before.
    public func update(
        with gradients: consuming [Tensor], computing results: [Tensor] = [], file: StaticString = #fileID, line: UInt = #line
    ) throws {
        let before = updateCount
        try assignUpdate(arena.laidOut(checked(gradients, file, line)), file, line)
        try undoingCount(to: before) { try arena.device.update(results) }
    }

    /// One update by a gradient over all parameters as they lie in the arena.
    func update(withFlat gradient: consuming Tensor) throws {
        let before = updateCount
        try assignUpdate(gradient, #fileID, #line)
        try undoingCount(to: before) { try arena.device.update([]) }
    }

    /// The gradient with respect to all parameters as they lie in the arena.
    func flatGradient(of loss: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        arena.requireParameters(file, line)
        let tensors = arena.parameters.map(\.tensor)
        let gradients = knownGradients(of: loss, withRespectTo: tensors, file: file, line: line)
        if gradients.allSatisfy({ $0 == nil }) {
            programError(
                "update",
                "the loss depends on none of the parameters as they are now: it is to be built from them, after the optimiser was made and "
                    + "after any assignment to them, and not from results of a captured step", file: file, line: line)
        }
        return ParameterArena.flat(zip(tensors, gradients).map { $1 ?? .zeros(like: $0) })
    }

    private func undoingCount(to before: Int, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            updateCount = before
            throw error
        }
    }

    /// Builds the update. No tensor made here lives on when this returns: only then are the old weights free to be
    /// overwritten.
    private func assignUpdate(_ gradient: Tensor, _ file: StaticString, _ line: UInt) throws {
        arena.requireParameters(file, line)
        try Mode.requireForUpdate(gradient, file, line)
        arena.device.tellRemark()
        let weights = arena.state.tensor
        // Asked first in each update, also when it is replayed: from here on it counts.
        let rate = hostScalar(.float32, on: arena.device) { [self] in nextRate() }
        var update = WeightUpdate(
            weights: weights, gradient: clipping?(gradient) ?? gradient, moments: moments.map(\.tensor),
            weightDecay: arena.perGroup({ [rule] in $0.weightDecay ?? rule.weightDecay }, neutral: 0),
            scalar: { [self] value in hostScalar(.float32, on: arena.device) { [self] in value(updateCount) } })
        let direction = rule.direction(&update)
        let scaled = arena.perGroup(\.rateScale, neutral: 1).map { direction * $0 } ?? direction
        let moved = weights - scaled * rate
        arena.state.assign(moved)
        for (state, moment) in zip(moments, update.moments) { state.assign(moment) }
        if let averages { averages.assign(averages.tensor * averageDecay + moved * (1 - averageDecay)) }
    }

    private func nextRate() -> Double {
        progress.withLock { progress in
            defer { progress.updates += 1 }
            return progress.rate(after: progress.updates)
        }
    }

    private func checked(_ gradients: [Tensor], _ file: StaticString, _ line: UInt) -> [Tensor] {
        let shapes = parameters.map(\.shape)
        guard gradients.map(\.shape) == shapes else {
            programError(
                "update", "gradients of shapes \(gradients.map(\.shape)) for parameters of \(shapes)", file: file, line: line)
        }
        return gradients
    }

    /// A rank-0 tensor that follows the count of updates as `schedule` says, also in captured steps and when a run goes on from a
    /// checkpoint: the weight of a part of a loss that grows, say.
    public func scheduled(_ schedule: Schedule) -> Tensor {
        hostScalar(.float32, on: arena.device) { [self] in schedule.rate(after: updateCount) }
    }

    // MARK: Averaged weights

    /// Runs `body` with the parameters being the moving averages of the weights.
    ///
    /// Steps captured before, with the weights, compute with the averages here, and the other way round. An update within traps.
    @discardableResult
    public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
        guard let averages else { programError("withAveragedWeights", "the optimiser was made without averageDecay") }
        return try arena.lending(averages, body)
    }
}
