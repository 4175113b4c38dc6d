import SomaBackend
import SomaCompiler
import SomaGraph
import Synchronization

/// A step that is captured once for each signature of its inputs and then replayed without building a graph. Made by `compiled`.
///
/// The closure runs once; later calls run what it built. Parameters and other states it reads and writes, learning rates, random counters and the
/// inputs are taken anew each time; every other number the closure saw stays as it was.
public final class CompiledStep: Sendable {
    private struct Signature: Hashable {
        var inputs: [Description]
        struct Description: Hashable {
            var shape: Shape
            var dtype: DType
            var device: DeviceTag
        }
    }

    /// What was compiled so far: a program for each signature of the inputs.
    public var programs: [ProgramSummary] { replays.withLock { $0.values.map(\.summary) } }

    private let body: @Sendable ([Tensor]) throws -> [Tensor]
    private let replays = Mutex<[Signature: Replay]>([:])

    init(_ body: @escaping @Sendable ([Tensor]) throws -> [Tensor]) { self.body = body }

    /// Runs the step; the results are being computed when this returns.
    @discardableResult
    public func callAsFunction(_ inputs: [Tensor]) throws -> [Tensor] {
        let signature = Signature(inputs: inputs.map { .init(shape: $0.shape, dtype: $0.dtype, device: $0.node.device) })
        if let replay = replays.withLock({ $0[signature] }) { return try replay.run(inputs, isFirst: false) }
        let replay = try Replay(capturing: body, inputs)
        replays.withLock { $0[signature] = replay }
        return try replay.run(inputs, isFirst: true)
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
    CompiledStep { [try body($0[0])] }
}

/// Captures a step of two tensors: a minibatch and its labels, say.
public func compiled(_ body: @escaping @Sendable (Tensor, Tensor) throws -> Tensor) -> CompiledStep {
    CompiledStep { [try body($0[0], $0[1])] }
}
