/// What came of computing a step in one way.
enum Outcome: Error, Equatable {
    /// It is right, and takes so long.
    case seconds(Double)
    /// It is wrong, in words.
    case wrong(String)
    /// It cannot be built or launched here, in words.
    case failed(String)
    /// It took longer than a candidate may, and was ended.
    case hung
    /// Nothing came of it: the search was asked to end.
    case interrupted
}

/// Measures ways to compute a class of steps.
protocol TuneMeasurer: AnyObject {
    /// Seconds since some moment.
    var now: Double { get }
    var isInterrupted: Bool { get }
    /// Checks the result of a candidate and times it, the latter shortly where it takes far longer than `best` seconds.
    func trial(_ candidate: String, of task: String, best: Double?) throws -> Outcome
    /// Times two candidates in turns, A B B A.
    func duel(_ first: String, _ second: String, of task: String, pairs: Int) throws -> Result<Duel, Outcome>
}

/// What two candidates took, in seconds, timed in turns.
struct Duel: Equatable {
    var pairs: [[Double]]

    /// By how much the second is faster, if it is so by more than noise; else `nil`.
    ///
    /// That is at least two per cent at the median of the pairs, with three quarters of them won; and at their best, which what else the machine
    /// does cannot help. Given is the smaller of the two ratios.
    var gain: Double? {
        let ratios = pairs.map { $0[0] / $0[1] }.sorted()
        guard let first = pairs.map({ $0[0] }).min(), let second = pairs.map({ $0[1] }).min(), ratios[ratios.count / 4] > 1 else { return nil }
        let gain = min(ratios[ratios.count / 2], first / second)
        return gain >= 1.02 ? gain : nil
    }
}

/// What was found for one class of steps.
struct Finding: Equatable {
    enum Verdict: Equatable {
        /// A candidate is so many times as fast as what ships.
        case faster(String, Double)
        /// No candidate that was tried is faster by more than noise.
        case shipped
        /// What ships could not be measured, or is wrong.
        case failed(Outcome)
    }

    let task: String
    let shipped: String
    let candidateCount: Int
    /// What candidates take, as far as a short trial tells.
    var seconds: [String: Double] = [:]
    var tried: [String] = []
    /// Candidates that are wrong, fail or hang.
    var struck: [String: Outcome] = [:]
    var verdict = Verdict.shipped
}

/// Looks for the fastest way to compute a class of steps.
///
/// Every candidate gets a short trial, and the faster ones more; those that seem fastest are then timed in turns with what ships, and the best
/// of them wins if it is ahead by more than noise.
struct TuneSearch {
    let measurer: any TuneMeasurer
    var pairs = 15
    var finalists = 3

    /// - Parameters:
    ///   - candidates: first what ships.
    ///   - end: the moment after which no further candidate is tried.
    ///   - note: is told how many of all candidates were tried.
    /// - Returns: `nil` where the search was asked to end before it came to a result.
    func run(_ task: String, _ candidates: [String], until end: Double, note: (Finding) throws -> Void = { _ in }) throws -> Finding? {
        guard let shipped = candidates.first else { return nil }
        var finding = Finding(task: task, shipped: shipped, candidateCount: candidates.count)
        guard try trials(candidates, &finding, until: end, note) else { return nil }
        guard let limit = finding.seconds[shipped] else { return finding }
        let challengers = finding.seconds.filter { $0.key != shipped && $0.value < limit }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        var gains: [String: Double] = [:]
        for challenger in challengers.prefix(finalists).map(\.key) {
            switch try measurer.duel(shipped, challenger, of: task, pairs: pairs) {
            case .success(let duel): gains[challenger] = duel.gain
            case .failure(.interrupted): return nil
            case .failure(let outcome): finding.struck[challenger] = outcome
            }
        }
        if let best = gains.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) { finding.verdict = .faster(best.key, best.value) }
        return finding
    }

    /// Tries all candidates, then again the faster half of them and the fastest quarter: of several trials the shortest tells what a candidate
    /// takes, the others what else the machine did. `false` where the search was asked to end.
    private func trials(
        _ candidates: [String], _ finding: inout Finding, until end: Double, _ note: (Finding) throws -> Void
    ) throws -> Bool {
        for part in [1, 2, 4] {
            let fastest = finding.seconds.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(candidates.count / part).map(\.key)
            let chosen = part == 1 ? candidates : [finding.shipped] + fastest.filter { $0 != finding.shipped }
            for candidate in chosen where (candidate == finding.shipped && part == 1) || measurer.now < end {
                guard try trial(candidate, &finding) else { return false }
                if case .failed = finding.verdict { return true }
                try note(finding)
            }
        }
        return true
    }

    private func trial(_ candidate: String, _ finding: inout Finding) throws -> Bool {
        if measurer.isInterrupted { return false }
        let outcome = try measurer.trial(candidate, of: finding.task, best: finding.seconds.values.min())
        if outcome == .interrupted { return false }
        if !finding.tried.contains(candidate) { finding.tried.append(candidate) }
        if case .seconds(let seconds) = outcome {
            finding.seconds[candidate] = min(seconds, finding.seconds[candidate] ?? seconds)
        } else {
            (finding.seconds[candidate], finding.struck[candidate]) = (nil, outcome)
            if candidate == finding.shipped { finding.verdict = .failed(outcome) }
        }
        return true
    }
}
