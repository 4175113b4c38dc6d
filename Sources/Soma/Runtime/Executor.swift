import Glibc
import SomaBackend
import SomaCompiler
import SomaGraph
import Synchronization

/// Runs graphs on one device: finds or compiles their program, binds memory, hands the steps to the backend.
final class Executor: Sendable {
    let backend: any Backend
    let tag: DeviceTag

    private struct Contents {
        var programs = ProgramCache(capacity: 512)
        var arena: Buffer?
        /// By who assigned them: what is computed together must not depend on what others do meanwhile.
        var pending: [Worker: [ObjectIdentifier: WeakState]] = [:]
    }

    private let contents = Mutex(Contents())
    private let turn = Mutex(())
    /// Whether each temporary gets a buffer of exactly its size, so that a checker of memory sees every overrun.
    private let isIsolated: Bool

    init(_ backend: any Backend, tag: DeviceTag, isIsolated: Bool = false) {
        self.backend = backend
        self.tag = tag
        self.isIsolated = isIsolated
    }

    // MARK: Pending states

    /// Remembers that `state` has a version that is not computed yet.
    func note(pending state: State) {
        let count = contents.withLock { contents in
            contents.pending[.current, default: [:]][ObjectIdentifier(state)] = WeakState(state)
            return contents.pending.count
        }
        if count.isMultiple(of: 64) { forgetComputedStates() }
    }

    /// Tasks come and go, and what one has left behind is computed when it is read.
    private func forgetComputedStates() {
        let old = contents.withLock { $0.pending }.filter { !$0.value.values.contains { $0.state?.hasPending ?? false } }
        contents.withLock { contents in
            for (worker, states) in old where contents.pending[worker]?.count == states.count { contents.pending[worker] = nil }
        }
    }

    /// The pending states that this worker has assigned, and further ones, each once.
    private func takePendingStates(_ further: [State] = []) -> [State] {
        let own = contents.withLock { $0.pending.removeValue(forKey: Worker.current)?.values.compactMap(\.state) ?? [] }
        var seen = Set<ObjectIdentifier>()
        return (own + further).filter { seen.insert(ObjectIdentifier($0)).inserted }.sorted { $0.serial < $1.serial }
    }

    // MARK: Realisation

    /// Runs programs one after the other: those of several threads share temporaries, and each takes over the states that the last has left.
    func inTurn(_ body: () throws -> Void) throws { try turn.withLock { _ in try body() } }

    /// Computes nodes as one program. Nodes that no trainable parameter lies upstream of lose their inputs; the others keep them, so
    /// that a gradient can still be taken.
    func realize(_ nodes: [Node]) throws {
        try backend.noting(.starting) { try fetchingCopies { try inTurn { try realizeInTurn(nodes) } } }
    }

    private func realizeInTurn(_ nodes: [Node]) throws {
        guard let run = try prepare(roots: nodes.filter { !$0.hasElements }, states: []) else { return }
        try self.run(run.program, sources: run.sources, outputs: run.outputs, scalars: run.scalars, starts: run.starts)
        run.complete(cutting: false)
    }

    /// Computes nodes and every version of a state that this task or thread has assigned as one program, and releases the graph below them.
    ///
    /// A new version takes the memory of the old one if nobody else holds that.
    /// - Parameter states: further ones to compute, whoever has assigned them.
    func update(_ nodes: [Node], _ states: [State] = []) throws {
        // A captured step computes its updates when it is replayed.
        if Capture.current != nil { return }
        do {
            try backend.noting(.starting) { try fetchingCopies { try inTurn { try compute(nodes, takePendingStates(states)) } } }
        } catch {
            for state in takePendingStates() { state.revert() }
            throw error
        }
    }

    private func compute(_ nodes: [Node], _ states: [State]) throws {
        do {
            guard var run = try prepare(roots: nodes.filter { !$0.hasElements }, states: states) else { return }
            run.cut()
            try run.overwriteOrAllocate(states, self)
            try self.run(run.program, sources: run.sources, outputs: run.outputs, scalars: run.scalars, starts: run.starts)
            run.complete(cutting: true)
            for (number, state) in states.enumerated() { state.settle(on: run.roots[run.roots.count - states.count + number]) }
        } catch let missing as UnfetchedCopy {
            // Not a failure: the states are computed when this is tried again.
            for state in states { note(pending: state) }
            throw missing
        } catch {
            for state in states { state.revert() }
            throw error
        }
    }

    private func prepare(roots: [Node], states: [State]) throws -> Run? {
        let versions = states.map(\.versions)
        var seen = Set<ObjectIdentifier>()
        let plain = roots.filter { seen.insert(ObjectIdentifier($0)).inserted }
        let all = plain + versions.map(\.new)
        guard !all.isEmpty else { return nil }
        let old: [Node?] = plain.map { _ in nil } + versions.map(\.old)
        let graph = capture(roots: all, states: old)
        let snapshot = graph.snapshot
        if snapshot.hasLostNodes {
            throw SomaError("a value was lost because the step that was to compute it failed", hint: "compute it again")
        }
        let sources = try graph.sources.map { try $0.resolved(on: backend) }
        let program = try self.program(for: graph)
        let outputs = try program.plan.outputs.map { $0.mayOverwrite == nil ? try allocate($0.byteCount) : Run.unknown }
        return Run(
            program: program, roots: all, sources: sources, outputs: outputs, scalars: snapshot.scalars, starts: snapshot.starts,
            origins: graph.origins)
    }

    /// A graph as data, with what is needed to run it.
    struct CapturedGraph {
        var snapshot: GraphSnapshot
        var sources: [Storage]
        var origins: Origins
        /// The graph's program, or what it is compiled of.
        var program: Result
        enum Result {
            case known(Program)
            case entries([GraphSnapshot.Entry])
        }
    }

    /// Takes the graph below `roots` at one moment: another thread may compute and cut parts of it right after.
    func capture(roots: [Node], states: [Node?]) -> CapturedGraph {
        Node.lock.withLock { number in
            let snapshot = GraphSnapshot(roots: roots, states: states, &number)
            let known = contents.withLock { $0.programs[snapshot.key] }
            return CapturedGraph(
                snapshot: snapshot, sources: snapshot.sources.compactMap { snapshot.nodes[$0].storage },
                origins: Origins(of: snapshot.sources.map { snapshot.nodes[$0] }),
                program: known.map { .known($0) } ?? .entries(snapshot.hasLostNodes ? [] : snapshot.entries()))
        }
    }

    func program(for graph: CapturedGraph) throws -> Program {
        switch graph.program {
        case .known(let program): return program
        case .entries(let entries):
            let program = try backend.noting(.compiling) { try Program(Plan(graph.snapshot, entries, backend.capabilities), on: backend) }
            contents.withLock { $0.programs[graph.snapshot.key] = program }
            if let collector = ExplanationCollector.current {
                let names = collector.names(of: graph.snapshot)
                collector.note(program, GraphExplanation(graph.snapshot, entries, backend.capabilities, names: names), on: backend)
            }
            return program
        }
    }

    func allocate(_ byteCount: Int) throws -> Buffer { try backend.allocate(byteCount: max(byteCount, 1)) }

    /// Hands the steps of a program to the backend.
    func run(_ program: Program, sources: [Buffer], outputs: [Buffer], scalars: [UInt64], starts: [Int]) throws {
        let plan = program.plan
        let arena = plan.arenaByteCount > 0 && !isIsolated ? try self.arena(plan.arenaByteCount) : nil
        var slices: [BufferSlice] = []
        slices.reserveCapacity(plan.slots.count)
        for slot in plan.slots {
            switch slot {
            case .source(let place): slices.append(BufferSlice(sources[place]))
            case .output(let place): slices.append(BufferSlice(outputs[place]))
            case .temporary(let byteOffset, let byteCount):
                if let arena {
                    slices.append(BufferSlice(arena, byteOffset: byteOffset))
                } else {
                    slices.append(BufferSlice(try allocate(byteCount)))
                }
            }
        }
        let offsets = plan.offsets.map { $0.value(starts) }
        try backend.enqueue(
            program.steps(sources: sources, outputs: outputs), Bindings(buffers: slices, scalars: scalars, offsets: offsets))
    }

    /// The arena, shared by all programs since their steps run one after the other.
    private func arena(_ byteCount: Int) throws -> Buffer {
        if let arena = contents.withLock({ $0.arena }), arena.byteCount >= byteCount { return arena }
        contents.withLock { $0.arena = nil }
        let arena = try backend.allocate(byteCount: byteCount)
        contents.withLock { $0.arena = arena }
        return arena
    }
}
