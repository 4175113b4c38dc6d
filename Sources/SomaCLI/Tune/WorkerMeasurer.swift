import Glibc
import Soma

/// Has candidates measured by a worker, of which there is a new one after each that had to be ended.
final class WorkerMeasurer: TuneMeasurer {
    private let start: () throws -> WorkerProcess
    /// Seconds that the trial of a candidate may take.
    private let limit: Double
    private var worker: WorkerProcess?
    /// The class of which the worker has the memory and the reference.
    private var known: String?
    /// What the first question about a class took a new worker at most.
    private var preparations: [String: Double] = [:]

    init(limit: Double, start: @escaping () throws -> WorkerProcess) { (self.limit, self.start) = (limit, start) }

    var now: Double { (ContinuousClock.now - beginning) / .seconds(1) }
    private let beginning = ContinuousClock.now

    var isInterrupted: Bool { Interruption.isPending }

    func trial(_ candidate: String, of task: String, best: Double?, until deadline: Double) throws -> Outcome {
        let words = try ask(["trial", task, candidate, best.map { "\($0)" } ?? "-"], task, within: limit, until: deadline)
        if case .failure(let outcome) = words { return outcome }
        guard case .success(let (kind, text)) = words else { return .hung }
        switch kind {
        case "seconds": return Double(text).map { .seconds($0) } ?? .failed(text)
        case "wrong": return .wrong(text)
        default: return .failed(text)
        }
    }

    func duel(
        _ first: String, _ second: String, of task: String, pairs: Int, expected: Double, until deadline: Double
    ) throws -> Result<Duel, Outcome> {
        try ask(["duel", task, first, second, "\(pairs)"], task, within: limit + 2 * expected, until: deadline).flatMap { kind, text in
            let pairs = text.split(separator: " ").map { $0.split(separator: ":").compactMap { Double($0) } }
            return kind == "pairs" && !pairs.isEmpty && pairs.allSatisfy { $0.count == 2 } ? .success(Duel(pairs: pairs)) : .failure(.failed(text))
        }
    }

    private func ask(
        _ words: [String], _ task: String, within seconds: Double, until deadline: Double
    ) throws -> Result<(kind: String, text: String), Outcome> {
        if worker?.isRunning != true { (worker, known) = (try start(), nil) }
        guard let worker else { return .failure(.hung) }
        // The first question about a class has a worker start and its reference computed too; how long that takes is known the next time.
        let preparation = known == task ? 0 : preparations[task].map { 2 * $0 } ?? 9 * limit
        let start = now
        let patience = min(seconds + preparation, max(0, deadline - start))
        switch worker.answer(to: words.joined(separator: "\t"), within: patience, isInterrupted: { Interruption.isPending }) {
        case .line(let line):
            if known != task { preparations[task] = max(now - start, preparations[task] ?? 0) }
            known = task
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return .success((parts[0], parts.count > 1 ? parts[1] : ""))
        case .ended: return .failure(.failed("it ended the process"))
        case .late: return .failure(now >= deadline ? .unfinished : .hung)
        case .interrupted: return .failure(.interrupted)
        }
    }
}
