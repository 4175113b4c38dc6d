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
    /// Nothing came of it: the time for the search was over.
    case unfinished
}

/// Measures ways to compute a class of steps.
protocol TuneMeasurer: AnyObject {
    /// Seconds since some moment.
    var now: Double { get }
    var isInterrupted: Bool { get }
    /// Checks the result of a candidate and times it, the latter shortly where it takes far longer than `best` seconds. It is given up
    /// at the moment `deadline`.
    func trial(_ candidate: String, of task: String, best: Double?, until deadline: Double) throws -> Outcome
    /// Times two candidates in turns, A B B A, which should take `expected` seconds. It is given up at the moment `deadline`.
    func duel(
        _ first: String, _ second: String, of task: String, pairs: Int, expected: Double, until deadline: Double
    ) throws -> Result<Duel, Outcome>
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
    /// Whether the time was over before a duel that there should have been.
    var isUndecided = false
}

/// Looks for the fastest way to compute a class of steps.
///
/// Every candidate gets a short trial, and the faster ones more; those that seem fastest are then timed in turns with what ships, and the best
/// of them wins if it is ahead by more than noise.
struct TuneSearch {
    let measurer: any TuneMeasurer
    /// The most pairs of a duel, and the fewest that tell anything.
    var pairs = (most: 15, least: 3)
    /// Seconds that a duel may take where five pairs do not take longer.
    var duelAllowance = 10.0
    var finalists = 3

    /// - Parameters:
    ///   - candidates: first what ships.
    ///   - end: the moment at which the next class should have its turn: in the time until then trials leave half for duels, if these need it.
    ///   - deadline: the moment at which whatever is under way is given up.
    ///   - note: is told how many of all candidates were tried.
    /// - Returns: `nil` where the search ended before it came to a result.
    func run(
        _ task: String, _ candidates: [String], until end: Double, deadline: Double, note: (Finding) throws -> Void = { _ in }
    ) throws -> Finding? {
        guard let shipped = candidates.first else { return nil }
        var finding = Finding(task: task, shipped: shipped, candidateCount: candidates.count)
        guard try trials(candidates, &finding, until: end, deadline, note) else { return nil }
        guard let limit = finding.seconds[shipped] else {
            if case .failed = finding.verdict { return finding }
            return nil
        }
        let challengers = finding.seconds.filter { $0.key != shipped && $0.value < limit }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        var gains: [String: Double] = [:]
        for (challenger, seconds) in challengers.prefix(finalists) {
            let pair = Self.pairSeconds(limit, seconds)
            let count = pairCount(pair, within: deadline - measurer.now)
            guard count >= pairs.least else {
                finding.isUndecided = true
                continue
            }
            let expected = Double(count + 1) * pair
            switch try measurer.duel(shipped, challenger, of: task, pairs: count, expected: expected, until: deadline) {
            case .success(let duel): gains[challenger] = duel.gain
            case .failure(.interrupted): return nil
            case .failure(.unfinished): finding.isUndecided = true
            case .failure(let outcome): finding.struck[challenger] = outcome
            }
        }
        if let best = gains.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) { finding.verdict = .faster(best.key, best.value) }
        return finding
    }

    /// As many as fit, with one to warm up.
    private func pairCount(_ seconds: Double, within left: Double) -> Int {
        max(0, min(pairs.most, Int(min(max(5, duelAllowance / seconds), left / seconds - 1))))
    }

    /// Each of the two is run for ten milliseconds at least.
    private static func pairSeconds(_ first: Double, _ second: Double) -> Double { 0.02 + first + second }

    /// The seconds that duels will take, as far as what ships tells.
    private func duelSeconds(_ shipped: Double) -> Double {
        let pair = Self.pairSeconds(shipped, shipped)
        return Double(finalists * (pairCount(pair, within: .infinity) + 1)) * pair
    }

    /// Tries all candidates, then again the faster half of them and the fastest quarter: of several trials the shortest tells what a candidate
    /// takes, the others what else the machine did. `false` where the search was asked to end.
    private func trials(
        _ candidates: [String], _ finding: inout Finding, until end: Double, _ deadline: Double, _ note: (Finding) throws -> Void
    ) throws -> Bool {
        let start = measurer.now
        func isTimeLeft() -> Bool {
            measurer.now < end - min((end - start) / 2, duelSeconds(finding.seconds[finding.shipped] ?? 0))
        }
        for part in [1, 2, 4] {
            let fastest = finding.seconds.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.prefix(candidates.count / part).map(\.key)
            let chosen = part == 1 ? candidates : [finding.shipped] + fastest.filter { $0 != finding.shipped }
            for candidate in chosen where (candidate == finding.shipped && part == 1) || isTimeLeft() {
                guard try trial(candidate, &finding, until: deadline) else { return false }
                if case .failed = finding.verdict { return true }
                try note(finding)
            }
        }
        return true
    }

    private func trial(_ candidate: String, _ finding: inout Finding, until deadline: Double) throws -> Bool {
        if measurer.isInterrupted { return false }
        let outcome = try measurer.trial(candidate, of: finding.task, best: finding.seconds.values.min(), until: deadline)
        if outcome == .interrupted { return false }
        if outcome == .unfinished { return true }
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
