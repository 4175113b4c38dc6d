/// What was found for one class of steps.
struct Finding: Equatable {
    enum Verdict: Equatable {
        /// A candidate is so many times as fast as another, which was the choice until then.
        case faster(String, than: String, by: Double)
        /// No candidate that was tried is faster than this one by more than noise.
        case best(String)
        /// What ships could not be measured, or is wrong.
        case failed(Outcome)
    }

    let task: String
    let shipped: String
    /// How the class was computed before: as an earlier search chose, else as what ships does.
    let before: String
    let candidateCount: Int
    /// What candidates take, as far as a short trial tells.
    var seconds: [String: Double] = [:]
    var tried: [String] = []
    /// Candidates that are wrong, fail or hang.
    var struck: [String: Outcome] = [:]
    var verdict: Verdict
    /// What seemed faster, and there was no time to make sure.
    var unsure: String?

    init(task: String, shipped: String, before: String, candidateCount: Int) {
        (self.task, self.shipped, self.before, self.candidateCount) = (task, shipped, before, candidateCount)
        verdict = .best(before)
    }

    /// How the class is computed best, as far as is known.
    var choice: String {
        switch verdict {
        case .faster(let choice, _, _), .best(let choice): choice
        case .failed: before
        }
    }

    /// Candidates that are right, the fastest first.
    var ranking: [String] { seconds.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key) }

    mutating func note(_ outcome: Outcome, of candidate: String) {
        if outcome == .interrupted || outcome == .unfinished { return }
        if !tried.contains(candidate) { tried.append(candidate) }
        if case .seconds(let seconds) = outcome {
            self.seconds[candidate] = min(seconds, self.seconds[candidate] ?? seconds)
        } else {
            (seconds[candidate], struck[candidate]) = (nil, outcome)
            if candidate == shipped { verdict = .failed(outcome) }
        }
    }
}
