import SomaGraph
import Synchronization

/// What a step does besides computing, noted while it is captured: the states it reads and writes, the scalars it asks the host for.
final class Capture: Sendable {
    /// The capture under way on this task, if any.
    @TaskLocal static var current: Capture?

    struct Contents {
        var read: [State] = []
        var written: [State] = []
        var scalars: [(node: Node, value: @Sendable () -> Double)] = []
    }
    private let contents = Mutex(Contents())
    var recorded: Contents { contents.withLock { $0 } }

    func note(read state: State) {
        contents.withLock { contents in
            if !contents.read.contains(where: { $0 === state }) { contents.read.append(state) }
        }
        // What a captured step starts from must lie in memory, or its computation would become part of the step.
        if state.storage == nil { state.compute() }
    }

    func note(written state: State) {
        contents.withLock { contents in
            if !contents.written.contains(where: { $0 === state }) { contents.written.append(state) }
        }
    }

    func note(_ node: Node, _ value: @escaping @Sendable () -> Double) { contents.withLock { $0.scalars.append((node, value)) } }

    /// Whether a constant stands for a number that changes from replay to replay, so that nothing may be computed from its value.
    static func varies(_ constant: Node) -> Bool {
        current?.contents.withLock { $0.scalars.contains { $0.node === constant } } ?? false
    }
}
