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
        case fixed(FixedArray)
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
    /// Calls so far, and that at which the closure is looked at next.
    private let calls = Atomic<Int>(1)
    private let nextCheck = Atomic<Int>(64)
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
        fixedNumbers = captured.fixedNumbers
        program = try executor.program(for: graph)
        let homeStates = recorded.homes.compactMap { home in home.state.state.map { (home.state, ObjectIdentifier($0)) } }
        sources = try captured.origins.map { origin in
            switch origin {
            case .input(let number): .input(number)
            case .state(let state): homeStates.first { $0.1 == ObjectIdentifier(state) }.map { .home($0.0) } ?? .state(state)
            case .elements(let storage, let byteCount): .fixed(try FixedArray(storage, byteCount: byteCount, on: executor.backend))
            }
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

    // MARK: What is frozen

    /// Counts a call; whether the closure is to be looked at before it, which is seldom enough to cost nothing.
    func countCall() -> Bool { calls.add(1, ordering: .relaxed).newValue >= nextCheck.load(ordering: .relaxed) }

    /// Has the closure looked at with the next call.
    func checkNext() { nextCheck.store(0, ordering: .relaxed) }

    /// Builds the graph once more and compares it, and what is in it that replays do not take anew.
    /// - Returns: false where the step must be captured again: tensors from before it were computed meanwhile, of which the graph has the results
    ///   by now, or kernels of the user's own were made anew.
    /// - Throws: `SomaError` where the graph or a number is another by now; what `body` throws.
    func isUpToDate(with body: ([Tensor]) throws -> [Tensor], _ inputs: [Tensor]) throws -> Bool {
        let captured = try CapturedBody(body, inputs, onlyComputes: onlyComputes)
        switch fixedNumbers.change(to: captured.fixedNumbers) {
        case .surroundings: return false
        case .structure:
            throw SomaError(
                "a captured step goes on with the graph that its closure built first, and by now that builds another",
                hint: "what an `if` of Swift decides stays as it was: capture a step for each case, or let numbers decide that are an input of "
                    + "the step, a State, optimizer.scheduled(…) or Tensor.asked { }")
        case .number(let change): throw Self.frozen(change)
        case nil: try requireSameSources(captured)
        }
        nextCheck.store(max(64, 2 * calls.load(ordering: .relaxed)), ordering: .relaxed)
        return true
    }

    private func requireSameSources(_ captured: CapturedBody) throws {
        let isAnother = zip(written, captured.written).contains { $0.state !== $1.state }
        if isAnother { throw Self.frozen("to change a State or Parameter, where its closure by now changes another") }
        for (source, origin) in zip(sources, captured.origins) {
            switch (source, origin) {
            case (.input(let old), .input(let new)):
                if old != new { throw Self.frozen("with one input, where its closure by now reads another") }
            case (.fixed(let array), .elements(let storage, _)):
                if try !array.holdsSame(as: storage) { throw Self.frozen("with an array that its closure by now makes of other numbers") }
            case (.state, .state(let new)), (.home, .state(let new)):
                if let old = state(at: source), try !isSame(old, new) {
                    throw Self.frozen("with a State or Parameter, where its closure by now reads another")
                }
            default: throw Self.frozen("with one tensor, where its closure by now reads another")
            }
        }
    }

    /// Whether two states that the step reads are one, or hold the same elements, as those of a layer do that the closure makes each time.
    private func isSame(_ old: State, _ new: State) throws -> Bool {
        if old === new { return true }
        guard let (a, b) = old.storage.flatMap({ a in new.storage.map { (a, $0) } }) else { return false }
        return try FixedArray(a, byteCount: old.shape.count * old.dtype.byteCount, on: executor.backend).holdsSame(as: b)
    }

    private static func frozen(_ what: String) -> SomaError {
        SomaError(
            "a captured step goes on \(what)",
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
        case .fixed(let array): return array.buffer
        case .state, .home:
            guard let storage = state(at: source)?.storage else {
                throw SomaError("a state was never computed, or a parameter moved to another optimiser while a step ran")
            }
            return try storage.resolved(on: executor.backend)
        }
    }
}
