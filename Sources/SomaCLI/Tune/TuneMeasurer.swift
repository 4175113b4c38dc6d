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
    /// Whether the search was asked to end.
    var isInterrupted: Bool { get }
    /// Checks the result of a candidate and times it, the latter shortly where it takes far longer than `best` seconds. It is given up
    /// at the moment `deadline`, and soon after the search was asked to end.
    func trial(_ candidate: String, of task: String, best: Double?, until deadline: Double) throws -> Outcome
    /// Times two candidates in turns. It is given up at the moment `deadline`.
    func duel(_ request: DuelRequest, of task: String, until deadline: Double) throws -> Result<Duel, Outcome>
}

/// Two candidates to be timed in turns, A B B A.
struct DuelRequest: Equatable {
    let first, second: String
    let pairs: Int
    /// The seconds that all of it should take.
    let expected: Double
    /// Whether it is given up when the search is asked to end.
    let isInterruptible: Bool
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
