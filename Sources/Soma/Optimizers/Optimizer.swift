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
public final class Optimizer: Sendable {
    /// What turns a gradient into a step.
    public let rule: any UpdateRule
    /// The parameters that are trained: those of all groups that are not frozen.
    public var parameters: [Parameter] { arena.parameters }

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
    }

    /// Moves the parameters of all groups into one memory.
    /// - Parameters:
    ///   - groups: parameters and how each is treated; see `Layer.parameterGroups`.
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
        _ rule: any UpdateRule, for model: some Layer, learningRate: Schedule, clipping: GradientClipping? = nil,
        averageDecay: Double? = nil
    ) throws {
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

    /// How many updates were made.
    public internal(set) var updateCount: Int {
        get { progress.withLock { $0.updates } }
        set { progress.withLock { $0.updates = newValue } }
    }

    // MARK: Updating

    /// One update: parameters and everything else that is pending on their device are computed together with `loss`.
    ///
    /// Inside `compiled` it becomes part of the captured step, and each replay is an update.
    /// - Throws: `BackendError`; the parameters are then as before.
    public func update(minimizing loss: Tensor, file: StaticString = #fileID, line: UInt = #line) throws {
        let before = updateCount
        assignUpdate(flatGradient(of: loss, file: file, line: line))
        try undoingCount(to: before) { try arena.device.update([loss]) }
    }

    /// One update by gradients of one's own, one for each of `parameters`. Hand them over without keeping them: weights
    /// that somebody could still ask for are copied and not overwritten.
    /// - Parameter results: what to compute with it, such as the loss.
    /// - Throws: `BackendError`; the parameters are then as before.
    public func update(with gradients: consuming [Tensor], computing results: [Tensor] = []) throws {
        let before = updateCount
        assignUpdate(ParameterArena.flat(checked(gradients)))
        try undoingCount(to: before) { try arena.device.update(results) }
    }

    /// One update by a gradient over all parameters as they lie in the arena.
    func update(withFlat gradient: consuming Tensor) throws {
        let before = updateCount
        assignUpdate(gradient)
        try undoingCount(to: before) { try arena.device.update([]) }
    }

    /// The gradient with respect to all parameters as they lie in the arena.
    func flatGradient(of loss: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        ParameterArena.flat(checked(gradient(of: loss, withRespectTo: arena.parameters.map(\.tensor), file: file, line: line)))
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
    private func assignUpdate(_ gradient: Tensor) {
        arena.requireParameters()
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
            return progress.learningRate.rate(after: progress.updates)
        }
    }

    private func checked(_ gradients: [Tensor]) -> [Tensor] {
        guard gradients.map(\.shape) == arena.parameters.map(\.shape) else {
            programError(
                "update",
                "gradients of shapes \(gradients.map(\.shape)) for parameters of \(arena.parameters.map(\.shape))")
        }
        return gradients
    }

    // MARK: Averaged weights

    /// Runs `body` with the parameters being the moving averages of the weights.
    ///
    /// A step that was captured with the weights keeps computing with these: capture one of its own for the averages.
    @discardableResult
    public func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
        guard let averages else { programError("withAveragedWeights", "the optimiser was made without averageDecay") }
        arena.rehome(into: averages)
        defer { arena.rehome(into: arena.state) }
        return try body()
    }
}
