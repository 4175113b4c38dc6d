import SomaBackend
import SomaCompiler
import SomaGraph
import Synchronization

/// A step that is captured once for each signature of its inputs and then replayed without building a graph. Made by `compiled`.
///
/// The closure runs once, and later calls run what it built. At each replay are taken anew: the inputs; parameters, wherever an optimiser has
/// moved them, and other states; learning rates; random numbers, of the generator that is current then. **Every other number, tensor or
/// decision of Swift that the closure saw stays as it was.** A number that changes between replays is therefore one of these:
///
/// ```swift
/// let beta = State(Tensor(0))                                                     // beta.assign(Tensor(0.5)) at any time
/// let step = compiled { x, beta in … }                                            // an input: step(x, Tensor(0.5))
/// let beta = optimizer.scheduled(.linear(from: 0, to: 1, over: 1000))             // follows the count of updates
/// let beta = Tensor.asked { settings.beta }                                       // asked at each replay
/// ```
///
/// The signature is the inputs' shapes, dtypes and devices, whether the step is called to train or to predict (`Mode`), and the device that
/// `withDevice` has chosen. Another one is captured for itself, and so is the step where a parameter has moved; the least recently used
/// of more than 128 signatures is forgotten. From the 64th call of a signature on the closure also runs again from time to time, building a graph
/// that is thrown away: where it is another graph by now, as by an `if`, or a number or an array in it has changed, the call throws. So a closure
/// should do nothing but compute.
///
/// A step that is called while another is captured becomes part of that. No gradient passes through its results: they are values.
public final class CompiledStep: Sendable {
    private struct Signature: Hashable {
        var inputs: [Description]
        var mode: Mode?
        var device: Device?
        struct Description: Hashable {
            var shape: Shape
            var dtype: DType
            var device: DeviceTag
            var traits: UInt8
        }

        init(_ inputs: [Tensor]) {
            self.inputs = inputs.map {
                .init(shape: $0.shape, dtype: $0.dtype, device: $0.node.device, traits: $0.node.traits.lasting.rawValue)
            }
            (mode, device) = (Mode.said, Device.said)
        }
    }

    /// Replays of one signature: for the weights as they lie now, and for where else they may lie for a while, such as averages.
    private struct Variants {
        var replays: [Replay] = []
        static let limit = 4

        /// The one that still holds; those that never will again are forgotten.
        mutating func current() -> Replay? {
            if let first = replays.first, first.isCurrent { return first }
            replays.removeAll(where: \.isGone)
            guard let place = replays.firstIndex(where: \.isCurrent) else { return nil }
            replays.swapAt(0, place)
            return replays[0]
        }

        mutating func remember(_ replay: Replay, insteadOf old: Replay?) {
            replays.removeAll { $0 === old }
            replays.insert(replay, at: 0)
            if replays.count > Self.limit { replays.removeLast() }
        }
    }

    /// What was compiled so far: a program for each signature of the inputs.
    public var programs: [ProgramSummary] { replays.withLock { $0.values.flatMap { $0.replays.map(\.summary) } } }

    private let body: @Sendable ([Tensor]) throws -> [Tensor]
    private let replays = Mutex(LeastRecentlyUsed<Signature, Variants>(capacity: CompiledStep.capacity))
    static let capacity = 128
    private let onlyComputes: Bool

    /// - Parameter onlyComputes: whether replays change no state and draw nothing, whatever the closure does.
    init(onlyComputes: Bool = false, _ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]) {
        (self.body, self.onlyComputes) = (body, onlyComputes)
    }

    /// Runs the step; the results are being computed when this returns.
    /// - Throws: what the closure throws; `BackendError`.
    @discardableResult
    public func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
        // Where a graph is wanted, the step is what its closure does.
        if Capture.current != nil || ModuleCalls.current != nil { return try body(inputs) }
        let signature = Signature(inputs)
        let known = replays.withLock { $0[signature]?.current() }
        if let known, try isUpToDate(known, inputs) { return try known.run(inputs) }
        let replay = try impliedTraining { try Replay(capturing: body, inputs, onlyComputes: onlyComputes) }
        replays.withLock { $0[signature, default: Variants()].remember(replay, insteadOf: known) }
        return try replay.run(inputs)
    }

    /// Looks at the closure with the next call of each signature.
    func checkNumbersNext() { replays.withLock { for variants in $0.values { variants.replays.forEach { $0.checkNext() } } } }

    private func isUpToDate(_ replay: Replay, _ inputs: [Tensor]) throws -> Bool {
        guard replay.countCall() else { return true }
        return try impliedTraining { try replay.isUpToDate(with: body, inputs) }
    }

    /// Captures, and does so again to train where that turns out to be meant.
    private func impliedTraining<Result>(_ capture: () throws -> Result) throws -> Result {
        do { return try capture() } catch is TrainingImplied { return try withTraining(capture) }
    }

    /// The first result of the step; see the call with an array.
    @discardableResult
    public func callAsFunction(_ inputs: Tensor...) throws -> Tensor {
        let results = try self(inputs)
        guard let result = results.first else { programError("compiled", "the step has no result") }
        return result
    }
}

/// Captures a step of any number of tensors, to be replayed; see `CompiledStep`.
public func compiled(_ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]) -> CompiledStep { CompiledStep(body) }

/// Captures a step of one tensor.
public func compiled(_ body: @escaping @Sendable (Tensor) throws -> Tensor) -> CompiledStep {
    CompiledStep { inputs in
        requireCount(1, inputs)
        return [try body(inputs[0])]
    }
}

/// Captures a step of two tensors: a minibatch and its labels, say.
public func compiled(_ body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor) -> CompiledStep {
    CompiledStep { inputs in
        requireCount(2, inputs)
        return [try body(inputs[0], inputs[1])]
    }
}

/// Captures a step of three tensors: a minibatch, its labels, and a number that changes, say.
public func compiled(_ body: @escaping @Sendable (Tensor, Tensor, Tensor) throws -> Tensor) -> CompiledStep {
    CompiledStep { inputs in
        requireCount(3, inputs)
        return [try body(inputs[0], inputs[1], inputs[2])]
    }
}

private func requireCount(_ count: Int, _ inputs: [Tensor]) {
    if inputs.count != count { programError("compiled", "a step of \(count) tensors is called with \(inputs.count)") }
}
