import SomaBackend
import SomaCompiler
import SomaGraph

/// One run of a program: the nodes it computes and the memory it reads and writes.
struct Run {
    let program: Program
    let roots: [Node]
    var sources: [Buffer]
    var outputs: [Buffer]
    var scalars: [UInt64] = []
    let starts: [Int]
    /// The sources below all roots.
    var origins = Origins(of: [])

    /// Stands for memory that is not chosen yet.
    static let unknown = Buffer(byteCount: 0)

    /// Releases the graph below the roots.
    func cut() {
        let released = Node.lock.withLock { _ in roots.map { $0.cut(origins) } }
        withExtendedLifetime(released) {}
    }

    /// Chooses the memory of the new versions of states: that of the old one where nothing else holds it.
    mutating func overwriteOrAllocate(_ states: [State], _ executor: Executor) throws {
        for (number, output) in program.plan.outputs.enumerated() {
            guard let source = output.mayOverwrite else { continue }
            if let owner = states.first(where: { $0.holds(sources[source]) }) {
                // Our own reference must not count when the owner asks whether it is alone.
                sources[source] = Run.unknown
                let isSole = owner.takesOver()
                guard let memory = owner.storage as? Buffer else { programError("update", "a state without memory") }
                sources[source] = memory
                if isSole { outputs[number] = memory }
            }
            if outputs[number] === Run.unknown { outputs[number] = try executor.allocate(output.byteCount) }
        }
    }

    func complete(cutting: Bool) {
        var released: [NodeInputs] = []
        Node.lock.withLock { number in
            let origins = roots.map { root in
                roots.count == 1 || cutting ? self.origins : Origins(of: Node.topologicalOrder(of: [root], &number))
            }
            for (place, root) in roots.enumerated() {
                switch program.plan.roots[place] {
                case .output(let place): root.complete(with: outputs[place])
                case .source(let place): root.complete(with: sources[place])
                }
                if !cutting && !root.isTracked { released.append(root.cut(origins[place])) }
            }
        }
        withExtendedLifetime(released) {}
    }
}
