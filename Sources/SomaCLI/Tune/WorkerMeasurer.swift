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

    /// Whether what is under way should be given up, as the search was asked to end and a candidate in good health would be done by now: what is
    /// given up costs a new worker, and there is a last duel yet.
    private var isImpatient: Bool {
        guard isInterrupted else { return false }
        if asked == nil { asked = now }
        return now - (asked ?? now) >= 2
    }
    private var asked: Double?

    func trial(_ candidate: String, of task: String, best: Double?, until deadline: Double) throws -> Outcome {
        let answer = try ask(["trial", task, candidate, best.map { "\($0)" } ?? "-"], task, within: limit, until: deadline) { self.isImpatient }
        switch answer {
        case .success(("seconds", let text)): return Double(text).map { .seconds($0) } ?? .failed(text)
        case .success(("wrong", let text)): return .wrong(text)
        case .success((_, let text)): return .failed(text)
        case .failure(let outcome): return outcome
        }
    }

    func duel(_ request: DuelRequest, of task: String, until deadline: Double) throws -> Result<Duel, Outcome> {
        let words = ["duel", task, request.first, request.second, "\(request.pairs)"]
        return try ask(words, task, within: limit + 2 * request.expected, until: deadline) { request.isInterruptible && self.isInterrupted }
            .flatMap { kind, text in
                let pairs = text.split(separator: " ").map { $0.split(separator: ":").compactMap { Double($0) } }
                return kind == "pairs" && !pairs.isEmpty && pairs.allSatisfy { $0.count == 2 } ? .success(Duel(pairs: pairs)) : .failure(.failed(text))
            }
    }

    private func ask(
        _ words: [String], _ task: String, within seconds: Double, until deadline: Double, isGivenUp: () -> Bool
    ) throws -> Result<(kind: String, text: String), Outcome> {
        let worker = try running()
        // The first question about a class has a worker start and its reference computed too; how long that takes is known the next time.
        let preparation = known == task ? 0 : preparations[task].map { 2 * $0 } ?? 9 * limit
        let start = now
        let patience = min(seconds + preparation, max(0, deadline - start))
        switch worker.answer(to: words.joined(separator: "\t"), within: patience, isInterrupted: isGivenUp) {
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

    private func running() throws -> WorkerProcess {
        if let worker, worker.isRunning { return worker }
        let worker = try start()
        (self.worker, known) = (worker, nil)
        return worker
    }
}
