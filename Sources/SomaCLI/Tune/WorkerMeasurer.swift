import Glibc
import Soma

/// Has candidates measured by a worker, of which there is a new one after each that had to be ended.
final class WorkerMeasurer: TuneMeasurer {
    private let start: () throws -> WorkerProcess
    /// Seconds that a candidate may take.
    private let limit: Double
    private var worker: WorkerProcess?
    /// The class of which the worker has the memory and the reference.
    private var known: String?

    init(limit: Double, start: @escaping () throws -> WorkerProcess) { (self.limit, self.start) = (limit, start) }

    var now: Double { (ContinuousClock.now - beginning) / .seconds(1) }
    private let beginning = ContinuousClock.now

    var isInterrupted: Bool { Interruption.isPending }

    func trial(_ candidate: String, of task: String, best: Double?) throws -> Outcome {
        let words = try ask(["trial", task, candidate, best.map { "\($0)" } ?? "-"], task)
        if case .failure(let outcome) = words { return outcome }
        guard case .success(let (kind, text)) = words else { return .hung }
        switch kind {
        case "seconds": return Double(text).map { .seconds($0) } ?? .failed(text)
        case "wrong": return .wrong(text)
        default: return .failed(text)
        }
    }

    func duel(_ first: String, _ second: String, of task: String, pairs: Int) throws -> Result<Duel, Outcome> {
        try ask(["duel", task, first, second, "\(pairs)"], task).flatMap { kind, text in
            let pairs = text.split(separator: " ").map { $0.split(separator: ":").compactMap { Double($0) } }
            return kind == "pairs" && !pairs.isEmpty && pairs.allSatisfy { $0.count == 2 } ? .success(Duel(pairs: pairs)) : .failure(.failed(text))
        }
    }

    private func ask(_ words: [String], _ task: String) throws -> Result<(kind: String, text: String), Outcome> {
        if worker?.isRunning != true { (worker, known) = (try start(), nil) }
        guard let worker else { return .failure(.hung) }
        // The first question about a class has its reference computed too.
        let seconds = known == task ? limit : 10 * limit
        switch worker.answer(to: words.joined(separator: "\t"), within: seconds, isInterrupted: { Interruption.isPending }) {
        case .line(let line):
            known = task
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return .success((parts[0], parts.count > 1 ? parts[1] : ""))
        case .ended: return .failure(.failed("it ended the process"))
        case .late: return .failure(.hung)
        case .interrupted: return .failure(.interrupted)
        }
    }
}
