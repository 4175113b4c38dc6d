import SomaBackend
import SomaCompiler
import SomaGraph
import Synchronization

/// A captured step: its program, and where each of its sources, scalars and results comes from and goes.
final class Replay: Sendable {
    private enum Source {
        case input(Int)
        case state(State)
        /// A state that parameters lie in, which is kept no longer than they do.
        case home(WeakState)
        case fixed(Buffer)
    }

    private enum HostAction {
        /// The number at a place among the scalars, if the program has it.
        case number(Int?, DType, @Sendable () -> Double)
        case act(@Sendable () -> Void)
    }

    private let executor: Executor
    private let program: Program
    private let sources: [Source]
    private let scalars: [UInt64]
    private let hostActions: [HostAction]
    private let starts: [Int]
    private let results: [(shape: Shape, dtype: DType, traits: NodeTraits)]
    private let written: [(state: State, traits: NodeTraits)]
    private let homes: [Parameter.Home]
    /// How many moves of parameters there had been when all were last found in their places.
    private let checkedMoves: Atomic<Int>

    var summary: ProgramSummary { ProgramSummary(program.plan) }

    /// Runs `body` once to build its graph, and compiles that. Nothing is computed, and nothing outside of the capture changes.
    /// - Throws: `TrainingImplied` where an update came after layers were built to predict.
    init(capturing body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws {
        checkedMoves = Atomic(Parameter.moves.load(ordering: .sequentiallyConsistent))
        let captured = try CapturedBody(body, inputs)
        let executor = captured.device.executor
        let (outputs, recorded) = (captured.outputs, captured.recorded)
        let versions = recorded.written.map { recorded.versions[$0] }
        let roots = outputs.map(\.node) + versions.map(\.newest)
        let graph = executor.capture(roots: roots, states: outputs.map { _ in nil } + versions.map(\.old))
        let snapshot = graph.snapshot
        program = try executor.program(for: graph)
        let homeStates = recorded.homes.compactMap { home in home.state.state.map { (home.state, ObjectIdentifier($0)) } }
        sources = try zip(snapshot.sources, graph.sources).map { place, storage in
            let node = snapshot.nodes[place]
            if let input = captured.inputs.firstIndex(where: { $0 === node }) { return .input(input) }
            if let state = recorded.versions.first(where: { $0.old === node })?.state {
                return homeStates.first { $0.1 == ObjectIdentifier(state) }.map { .home($0.0) } ?? .state(state)
            }
            return .fixed(try fetchingCopies { try storage.resolved(on: executor.backend) })
        }
        let constants = snapshot.constants
        hostActions = recorded.actions.map { action in
            switch action {
            case .number(let node, let value): .number(constants.firstIndex { $0 === node }, node.dtype, value)
            case .act(let act): .act(act)
            }
        }
        (self.executor, scalars, starts, homes) = (executor, snapshot.scalars, snapshot.starts, recorded.homes)
        written = versions.map { ($0.state, $0.newest.traits.lasting) }
        results = outputs.map { ($0.shape, $0.dtype, $0.node.traits.lasting) }
    }

    /// Whether every parameter still lies where the step was captured with it.
    var isCurrent: Bool {
        let moves = Parameter.moves.load(ordering: .sequentiallyConsistent)
        if checkedMoves.load(ordering: .relaxed) == moves { return true }
        guard homes.allSatisfy(\.holds) else { return false }
        checkedMoves.store(moves, ordering: .relaxed)
        return true
    }

    /// Whether some parameter has left for good.
    var isGone: Bool { homes.contains(where: \.isGone) }

    func run(_ inputs: [Tensor]) throws -> [Tensor] {
        let inputs = try inputs.map { input in try fetchingCopies { try input.storage().resolved(on: executor.backend) } }
        // Whoever has assigned them: the step is to see what they are now.
        var pending: [State] = []
        for source in sources { if let state = state(at: source), state.hasPending { pending.append(state) } }
        if !pending.isEmpty { try executor.update([], pending) }
        var results: [Tensor] = []
        try executor.backend.noting(.starting) {
            try fetchingCopies { try executor.inTurn { results = try runInTurn(inputs) } }
        }
        return results
    }

    private func state(at source: Source) -> State? {
        switch source {
        case .state(let state): state
        case .home(let state): state.state
        case .input, .fixed: nil
        }
    }

    private func runInTurn(_ inputs: [Buffer]) throws -> [Tensor] {
        // The sources come first: where one must be fetched all this begins anew, and random counters may move only once. Nothing but
        // the run may hold them, or no state could be overwritten.
        var run = Run(program: program, roots: [], sources: try sources.map { try buffer($0, inputs) }, outputs: [], starts: starts)
        run.outputs = try program.plan.outputs.map { $0.mayOverwrite == nil ? try executor.allocate($0.byteCount) : Run.unknown }
        try run.overwriteOrAllocate(written.map(\.state), executor)
        run.scalars = askHost()
        try executor.run(program, sources: run.sources, outputs: run.outputs, scalars: run.scalars, starts: starts)
        let roots = program.plan.roots.map { root in
            switch root {
            case .output(let place): run.outputs[place]
            case .source(let place): run.sources[place]
            }
        }
        for (number, version) in written.enumerated() { version.state.adopt(roots[results.count + number], version.traits) }
        return results.enumerated().map { number, result in
            Tensor(
                node: Node(storage: roots[number], shape: result.shape, dtype: result.dtype, device: executor.tag, traits: result.traits))
        }
    }

    /// The scalars of this replay. Also those are asked that the program does without, since a draw or an update counts all the same.
    private func askHost() -> [UInt64] {
        var scalars = scalars
        for action in hostActions {
            switch action {
            case .act(let act): act()
            case .number(let place, let dtype, let value):
                let bits = Scalar(value(), dtype).bits
                if let place { scalars[place] = bits }
            }
        }
        return scalars
    }

    private func buffer(_ source: Source, _ inputs: [Buffer]) throws -> Buffer {
        switch source {
        case .input(let place): return inputs[place]
        case .fixed(let buffer): return buffer
        case .state, .home:
            guard let storage = state(at: source)?.storage else {
                throw SomaError("a state was never computed, or a parameter moved to another optimiser while a step ran")
            }
            return try storage.resolved(on: executor.backend)
        }
    }
}

/// What a body built, and what it did besides.
private struct CapturedBody {
    let inputs: [Node]
    let outputs: [Tensor]
    let recorded: Capture.Contents

    init(_ body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws {
        // Inputs become sources of their own, so that the same tensor given twice has two places.
        let places = try inputs.map {
            Node(storage: try $0.storage(), shape: $0.shape, dtype: $0.dtype, device: $0.node.device, traits: $0.node.traits.lasting)
        }
        let capture = Capture()
        outputs = try capture.recording { try body(places.map { Tensor(node: $0) }) }
        recorded = capture.recorded
        self.inputs = places
        if recorded.impliesTraining { throw TrainingImplied() }
        if let failure = recorded.failure { throw failure }
    }

    /// The one device of everything that comes out.
    var device: Device {
        get {
            let devices = outputs.map(\.device) + recorded.written.map { recorded.versions[$0].state.device }
            guard let device = devices.first else { programError("compiled", "the step neither returns a tensor nor changes a state") }
            if let other = devices.first(where: { $0 != device }) {
                programError("compiled", "a captured step runs on one device, and this one on \(device) and on \(other): capture one for each")
            }
            return device
        }
    }
}
