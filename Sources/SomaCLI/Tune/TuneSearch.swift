/// Looks for the fastest way to compute a class of steps.
///
/// Every candidate gets a short trial, and the faster ones more; those that seem fastest are then timed in turns with the present choice, and the
/// best of them wins if it is ahead by more than noise. Where the time is over or the search is asked to end, what seems fastest by then still gets
/// its duel: what was found is not lost.
struct TuneSearch {
    /// What is told of a search as it goes on.
    enum News {
        /// A class has its turn.
        case start(Finding)
        /// A candidate was tried.
        case trial(Finding)
        /// Two candidates are going to be timed in turns; the last of all where the search was asked to end.
        case duel(DuelRequest, Finding, isLast: Bool)
    }

    let measurer: any TuneMeasurer
    /// The most pairs of a duel, and the fewest that tell anything.
    var pairs = (most: 15, least: 3)
    /// Seconds that a duel may take where five pairs do not take longer.
    var duelAllowance = 10.0
    /// Seconds past the end of the search within which its one last duel must be over.
    var grace = 60.0
    var finalists = 3
    /// Seconds that a class is searched at least once what ships was measured, if there is time at all: of a few classes something is learnt, of
    /// many at a glance nothing.
    var leastSeconds = 10.0

    /// - Parameters:
    ///   - candidates: first what ships.
    ///   - kept: what an earlier search chose.
    ///   - end: the moment at which the next class should have its turn: in the time until then trials leave half for duels, if these need it.
    ///   - deadline: the moment at which whatever is under way is given up, but for a last duel.
    /// - Returns: `nil` where the search ended before anything was measured.
    func run(
        _ task: String, _ candidates: [String], kept: String? = nil, until end: Double, deadline: Double, note: (News) throws -> Void = { _ in }
    ) throws -> Finding? {
        guard let shipped = candidates.first else { return nil }
        let before = kept ?? shipped
        let others = candidates.filter { $0 != shipped && $0 != before }
        let all = [shipped] + (before == shipped ? [] : [before]) + others
        var finding = Finding(task: task, shipped: shipped, before: before, candidateCount: all.count)
        try note(.start(finding))
        try trials(all, &finding, until: end, deadline, note)
        if case .failed = finding.verdict { return finding }
        guard finding.seconds[shipped] != nil else { return nil }
        try review(&finding, deadline, note)
        try challenge(&finding, deadline, note)
        return finding
    }

    // MARK: Trials

    /// Tries all candidates, then again the faster half of them and the fastest quarter: of several trials the shortest tells what a candidate
    /// takes, the others what else the machine did.
    private func trials(
        _ candidates: [String], _ finding: inout Finding, until end: Double, _ deadline: Double, _ note: (News) throws -> Void
    ) throws {
        try trial(finding.shipped, &finding, deadline, note)
        let start = measurer.now
        let end = min(max(end, start + leastSeconds), deadline)
        func isTimeLeft() -> Bool {
            measurer.now < end - min((end - start) / 2, duelSeconds(finding.seconds[finding.shipped] ?? 0))
        }
        for part in [1, 2, 4] {
            let fastest = finding.ranking.prefix(candidates.count / part).filter { $0 != finding.shipped }
            let chosen = part == 1 ? Array(candidates.dropFirst()) : [finding.shipped] + fastest
            for candidate in chosen where isTimeLeft() { try trial(candidate, &finding, deadline, note) }
        }
    }

    private func trial(_ candidate: String, _ finding: inout Finding, _ deadline: Double, _ note: (News) throws -> Void) throws {
        if case .failed = finding.verdict { return }
        if measurer.isInterrupted { return }
        let outcome = try measurer.trial(candidate, of: finding.task, best: finding.seconds.values.min(), until: deadline)
        finding.note(outcome, of: candidate)
        try note(.trial(finding))
    }

    // MARK: Duels

    /// What an earlier search chose must be faster than what ships once more.
    private func review(_ finding: inout Finding, _ deadline: Double, _ note: (News) throws -> Void) throws {
        guard finding.before != finding.shipped else { return }
        if finding.seconds[finding.before] != nil, !measurer.isInterrupted {
            let duel = try duel(finding.shipped, finding.before, &finding, until: deadline, note)
            if let duel, duel.gain == nil { finding.verdict = .best(finding.shipped) }
        }
        if finding.struck[finding.before] != nil { finding.verdict = .best(finding.shipped) }
    }

    /// Sets those that seem fastest against the choice of so far; when the search should end, the fastest alone.
    private func challenge(_ finding: inout Finding, _ deadline: Double, _ note: (News) throws -> Void) throws {
        let champion = finding.choice
        guard let limit = finding.seconds[champion] else { return }
        var gains: [String: Double] = [:]
        for (place, challenger) in finding.ranking.prefix(while: { finding.seconds[$0] ?? limit < limit }).prefix(finalists).enumerated() {
            if place > 0 && measurer.isInterrupted { break }
            let moment = place == 0 ? max(deadline, measurer.now + grace) : deadline
            let duel = try duel(champion, challenger, &finding, until: moment, isLast: place == 0, note)
            gains[challenger] = duel?.gain
        }
        guard let best = gains.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { return }
        (finding.verdict, finding.unsure) = (.faster(best.key, than: champion, by: best.value), nil)
    }

    /// `nil` where nothing came of it.
    /// - Parameter isLast: whether it is to be had even where the search was asked to end.
    private func duel(
        _ first: String, _ second: String, _ finding: inout Finding, until deadline: Double, isLast: Bool = false, _ note: (News) throws -> Void
    ) throws -> Duel? {
        let pair = Self.pairSeconds(finding.seconds[first] ?? 0, finding.seconds[second] ?? 0)
        let count = pairCount(pair, within: deadline - measurer.now)
        var result = Result<Duel, Outcome>.failure(.unfinished)
        if count >= pairs.least {
            let request = DuelRequest(first: first, second: second, pairs: count, expected: Double(count + 1) * pair, isInterruptible: !isLast)
            try note(.duel(request, finding, isLast: measurer.isInterrupted))
            result = try measurer.duel(request, of: finding.task, until: deadline)
        }
        switch result {
        case .success(let duel): return duel
        case .failure(.interrupted): break
        case .failure(.unfinished): finding.unsure = finding.unsure ?? second
        case .failure(let outcome): finding.note(outcome, of: second)
        }
        return nil
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
}
