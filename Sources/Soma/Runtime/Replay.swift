import SomaBackend
import SomaCompiler
import SomaGraph

/// A captured step: its program, and where each of its sources, scalars and results comes from and goes.
final class Replay: Sendable {
    private enum Source {
        case input(Int)
        case state(State)
        case fixed(Buffer)
    }

    private struct HostValue {
        var place: Int
        var dtype: DType
        var value: @Sendable () -> Double
    }

    private let executor: Executor
    private let program: Program
    private let sources: [Source]
    private let scalars: [UInt64]
    private let hostValues: [HostValue]
    private let starts: [Int]
    private let results: [(shape: Shape, dtype: DType)]
    private let written: [State]

    var summary: ProgramSummary { ProgramSummary(program.plan) }

    /// Runs `body` once to build its graph, and compiles that. Nothing is computed.
    init(capturing body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws {
        // Inputs become sources of their own, so that the same tensor given twice has two places.
        let places = try inputs.map { Node(storage: try $0.storage(), shape: $0.shape, dtype: $0.dtype, device: $0.node.device) }
        let capture = Capture()
        let outputs = try Capture.$current.withValue(capture) { try body(places.map { Tensor(node: $0) }) }
        let recorded = capture.recorded
        guard let device = outputs.first?.device ?? recorded.written.first?.device else {
            programError("compiled", "the step neither returns a tensor nor changes a state")
        }
        let executor = device.executor
        let versions = recorded.written.map(\.versions)
        let roots = outputs.map(\.node) + versions.map(\.new)
        let graph = executor.capture(roots: roots, states: outputs.map { _ in nil } + versions.map(\.old))
        let snapshot = graph.snapshot
        program = try executor.program(for: graph)
        let states = recorded.read + recorded.written
        sources = try zip(snapshot.sources, graph.sources).map { place, storage in
            let node = snapshot.nodes[place]
            if let input = places.firstIndex(where: { $0 === node }) { return .input(input) }
            if let state = states.first(where: { $0.versions.old === node }) { return .state(state) }
            return .fixed(try fetchingCopies { try storage.resolved(on: executor.backend) })
        }
        let constants = snapshot.constants
        hostValues = recorded.scalars.compactMap { scalar in
            constants.firstIndex { $0 === scalar.node }.map { HostValue(place: $0, dtype: scalar.node.dtype, value: scalar.value) }
        }
        (self.executor, scalars, starts, written) = (executor, snapshot.scalars, snapshot.starts, recorded.written)
        results = outputs.map { ($0.shape, $0.dtype) }
        for state in recorded.written { state.revert() }
    }

    /// - Parameter isFirst: whether the host's scalars still are those of the capture.
    func run(_ inputs: [Tensor], isFirst: Bool) throws -> [Tensor] {
        let inputs = try inputs.map { input in try fetchingCopies { try input.storage().resolved(on: executor.backend) } }
        if sources.contains(where: { if case .state(let state) = $0 { state.hasPending } else { false } }) { try executor.update([]) }
        var results: [Tensor] = []
        try executor.backend.noting(.starting) {
            try fetchingCopies { try executor.inTurn { results = try runInTurn(inputs, isFirst: isFirst) } }
        }
        return results
    }

    private func runInTurn(_ inputs: [Buffer], isFirst: Bool) throws -> [Tensor] {
        // The sources come first: where one must be fetched all this begins anew, and random counters may move only once. Nothing but
        // the run may hold them, or no state could be overwritten.
        var run = Run(
            program: program, roots: [], sources: try sources.map { try buffer($0, inputs) }, outputs: [],
            scalars: currentScalars(isFirst: isFirst), starts: starts)
        run.outputs = try program.plan.outputs.map { $0.mayOverwrite == nil ? try executor.allocate($0.byteCount) : Run.unknown }
        try run.overwriteOrAllocate(written, executor)
        try executor.run(program, sources: run.sources, outputs: run.outputs, scalars: run.scalars, starts: starts)
        let roots = program.plan.roots.map { root in
            switch root {
            case .output(let place): run.outputs[place]
            case .source(let place): run.sources[place]
            }
        }
        for (number, state) in written.enumerated() { state.adopt(roots[results.count + number]) }
        return results.enumerated().map { number, result in
            Tensor(node: Node(storage: roots[number], shape: result.shape, dtype: result.dtype, device: executor.tag))
        }
    }

    private func currentScalars(isFirst: Bool) -> [UInt64] {
        var scalars = scalars
        if !isFirst { for host in hostValues { scalars[host.place] = Scalar(host.value(), host.dtype).bits } }
        return scalars
    }

    private func buffer(_ source: Source, _ inputs: [Buffer]) throws -> Buffer {
        switch source {
        case .input(let place): return inputs[place]
        case .state(let state):
            guard let storage = state.storage else { throw SomaError("a state was never computed") }
            return try storage.resolved(on: executor.backend)
        case .fixed(let buffer): return buffer
        }
    }
}
