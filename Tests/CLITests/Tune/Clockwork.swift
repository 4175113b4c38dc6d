@testable import SomaCLI

/// Candidates take the seconds that are given; times of a duel alternate around these by `noise`.
final class Clockwork: TuneMeasurer {
    var now = 0.0
    var outcomes: [String: Outcome]
    /// How many times as long a candidate takes in a duel as a trial told.
    var surprises: [String: Double] = [:]
    var noise = 0.0
    /// Trials and duels after which the search is asked to end.
    var patience = Int.max
    /// How many times as long the first trial of a candidate takes as it should.
    var hiccups: [String: Double] = [:]
    private(set) var trials: [String] = []
    private(set) var duels: [String] = []
    /// What `duels` were fought against.
    private(set) var champions: [String] = []
    private(set) var pairs: [Int] = []

    init(_ outcomes: [String: Outcome]) { self.outcomes = outcomes }

    var isInterrupted: Bool { trials.count + duels.count >= patience }

    func trial(_ candidate: String, of task: String, best: Double?, until deadline: Double) -> Outcome {
        trials.append(candidate)
        now += 1
        if now > deadline { return .unfinished }
        if case .seconds(let seconds)? = outcomes[candidate], let factor = hiccups.removeValue(forKey: candidate) {
            return .seconds(seconds * factor)
        }
        return outcomes[candidate] ?? .failed("unknown")
    }

    func duel(_ request: DuelRequest, of task: String, until deadline: Double) -> Result<Duel, Outcome> {
        duels.append(request.second)
        champions.append(request.first)
        pairs.append(request.pairs)
        now += request.expected
        if now > deadline { return .failure(.unfinished) }
        if isInterrupted && request.isInterruptible { return .failure(.interrupted) }
        guard case .seconds(let a)? = outcomes[request.first], case .seconds(let b)? = outcomes[request.second] else { return .failure(.hung) }
        let times = [a * (surprises[request.first] ?? 1), b * (surprises[request.second] ?? 1)]
        return .success(Duel(pairs: (0..<request.pairs).map { [times[0] * (1 + ($0 % 2 == 0 ? noise : -noise)), times[1]] }))
    }
}
