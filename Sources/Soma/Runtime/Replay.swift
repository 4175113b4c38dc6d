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
    /// What the closure saw of numbers that are not taken anew.
    private let fixedNumbers: FixedNumbers
    private let onlyComputes: Bool
    private let homes: [Parameter.Home]
    /// How many moves of parameters there had been when all were last found in their places.
    private let checkedMoves: Atomic<Int>

    var summary: ProgramSummary { ProgramSummary(program.plan) }

    /// Runs `body` once to build its graph, and compiles that. Nothing is computed, and nothing outside of the capture changes.
    /// - Parameter onlyComputes: whether replays change no state and draw nothing, whatever the body does.
    /// - Throws: `TrainingImplied` where an update came after layers were built to predict.
    init(capturing body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor], onlyComputes: Bool = false) throws {
        checkedMoves = Atomic(Parameter.moves.load(ordering: .sequentiallyConsistent))
        let captured = try CapturedBody(body, inputs, onlyComputes: onlyComputes)
        let (executor, graph) = (captured.device.executor, captured.graph)
        let (outputs, recorded, versions) = (captured.outputs, captured.recorded, captured.written)
        let snapshot = graph.snapshot
        // Before a device has the arrays.
        fixedNumbers = captured.fixedNumbers
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
        hostActions = recorded.actions.compactMap { action in
            switch action {
            case .number(let node, let value):
                let place = captured.constants.firstIndex { $0 === node }
                return onlyComputes && place == nil ? nil : .number(place, node.dtype, value)
            case .act(let act): return onlyComputes ? nil : .act(act)
            }
        }
        (self.executor, self.onlyComputes) = (executor, onlyComputes)
        (scalars, starts, homes) = (snapshot.scalars, snapshot.starts, recorded.homes)
        written = versions.map { ($0.state, $0.newest.traits.lasting) }
        results = outputs.map { ($0.shape, $0.dtype, $0.node.traits.lasting) }
    }

    /// Builds the graph once more and compares the numbers in it that replays do not take anew.
    /// - Throws: `SomaError` where one is another by now; what `body` throws.
    func requireSameNumbers(_ body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws {
        let captured = try CapturedBody(body, inputs, onlyComputes: onlyComputes)
        // Of a graph of another structure it is not known which number became which.
        guard case .known(let known) = captured.graph.program, known === program else { return }
        guard let change = fixedNumbers.change(to: captured.fixedNumbers) else { return }
        throw SomaError(
            "a captured step goes on \(change)",
            hint: "a number that changes must be an input of the step, a State, optimizer.scheduled(…) or Tensor.asked { }")
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
