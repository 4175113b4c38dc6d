import Synchronization

/// What becomes of a picture that cannot be read.
public enum UnreadablePolicy: Hashable, Sendable {
    /// The next good one takes its place: training goes on with batches as large as before.
    case replaced
    /// It is missing: an evaluation counts no picture twice.
    case leftOut
    /// It is an error.
    case fatal
}

/// Pictures that could not be read: how many, and a line for each of the first few.
final class UnreadableImages: Sendable {
    private struct Contents {
        var indices: Set<Int> = []
        var lines: [String] = []
        /// How many were counted when remarks were last taken.
        var told = 0
    }

    let policy: UnreadablePolicy
    private let contents = Mutex(Contents())
    /// More lines than this say nothing new.
    private static let mostLines = 5

    init(_ policy: UnreadablePolicy) { self.policy = policy }

    var count: Int { contents.withLock { $0.indices.count } }

    func contains(_ index: Int) -> Bool { contents.withLock { $0.indices.contains(index) } }

    func note(_ index: Int, _ error: SomaError) {
        contents.withLock { contents in
            guard contents.indices.insert(index).inserted, contents.indices.count <= Self.mostLines else { return }
            contents.lines.append("\(error.message); \(policy == .leftOut ? "it is left out" : "another picture takes its place")")
        }
    }

    /// What is new since this was last asked.
    func takeRemarks() -> [String] {
        contents.withLock { contents in
            let count = contents.indices.count
            guard count > contents.told else { return [] }
            var lines = contents.lines
            if count > Self.mostLines { lines.append("\(count) pictures cannot be read so far; soma data check lists them") }
            (contents.lines, contents.told) = ([], count)
            return lines
        }
    }
}
