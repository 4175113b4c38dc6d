import Synchronization

/// Pictures that could not be read: how many, and a line for each of the first few.
final class UnreadableImages: Sendable {
    private struct Contents {
        var indices: Set<Int> = []
        var lines: [String] = []
        /// How many were counted when remarks were last taken.
        var told = 0
    }

    private let contents = Mutex(Contents())
    /// More lines than this say nothing new.
    private static let mostLines = 5

    var count: Int { contents.withLock { $0.indices.count } }

    func note(_ index: Int, _ error: SomaError) {
        contents.withLock { contents in
            guard contents.indices.insert(index).inserted, contents.indices.count <= Self.mostLines else { return }
            contents.lines.append("\(error.message); another picture takes its place")
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
