import Soma
import Testing

@testable import SomaCLI

/// The search for the fastest choice, with times that are made up.
@Suite struct TuneSearchTests {
    private func run(_ clockwork: Clockwork, _ candidates: [String], kept: String? = nil, until end: Double = 1000) throws -> Finding? {
        try TuneSearch(measurer: clockwork).run("task", candidates, kept: kept, until: end, deadline: end)
    }

    @Test func findsTheFastest() throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(1.2), "c": .seconds(0.5), "d": .seconds(0.7)])
        let finding = try #require(try run(clockwork, ["a", "b", "c", "d"]))
        #expect(finding.verdict == .faster("c", than: "a", by: 2) && finding.tried == ["a", "b", "c", "d"] && finding.seconds["a"] == 1)
        #expect(clockwork.duels == ["c", "d"], "what seemed slower than what ships was timed again")
    }

    /// What a trial took for the fastest need not be it.
    @Test func believesTheDuelAndNotTheTrial() throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.7)])
        clockwork.surprises = ["b": 3]
        #expect(try run(clockwork, ["a", "b", "c"])?.verdict == .faster("c", than: "a", by: 1 / 0.7))
    }

    /// A trial in which something else held the machine up is made up for by the next.
    @Test func triesTheFasterOnesAgain() throws {
        let times = (0..<16).map { ("c\($0)", Outcome.seconds(1 + Double($0 % 8) / 10)) }
        let clockwork = Clockwork(Dictionary(uniqueKeysWithValues: times + [("fast", .seconds(0.9))]))
        clockwork.hiccups = ["fast": 1.3]
        let finding = try #require(try run(clockwork, times.map(\.0) + ["fast"]))
        #expect(finding.tried.count == 17 && finding.seconds["fast"] == 0.9)
        #expect(clockwork.duels.first == "fast" && finding.verdict == .faster("fast", than: "c0", by: 1 / 0.9))
        #expect(clockwork.trials.count { $0 == "c0" } == 3 && clockwork.trials.count { $0 == "c7" } == 1)
    }

    @Test func staysWithWhatShipsWithinNoise() throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(0.99)])
        #expect(try run(clockwork, ["a", "b"])?.verdict == .best("a"))
        clockwork.outcomes["b"] = .seconds(0.95)
        clockwork.noise = 0.1
        #expect(try run(clockwork, ["a", "b"])?.verdict == .best("a"), "half of the pairs were lost")
        clockwork.noise = 0.001
        guard case .faster("b", than: "a", by: _)? = try run(clockwork, ["a", "b"])?.verdict else { return #expect(Bool(false), "b is faster") }
    }

    /// What else the machine does may slow one down again and again, but cannot make the other faster than it is.
    @Test func aGainMustShowInTheBestTimesToo() {
        #expect(Duel(pairs: [[5, 1], [5, 1], [1, 1], [5, 1]]).gain == nil)
        #expect(Duel(pairs: [[5, 1], [5, 1], [1.1, 1], [5, 1]]).gain == 1.1)
        #expect(Duel(pairs: [[5, 1], [0.2, 1], [5, 1], [0.2, 1]]).gain == nil)
        #expect(Duel(pairs: []).gain == nil)
    }

    @Test func strikesWhatIsWrongFailsOrHangs() throws {
        let outcomes: [String: Outcome] = ["a": .seconds(1), "b": .wrong("NaN"), "c": .hung, "d": .failed("log"), "e": .seconds(0.5)]
        let finding = try #require(try run(Clockwork(outcomes), ["a", "b", "c", "d", "e"]))
        #expect(finding.struck == ["b": .wrong("NaN"), "c": .hung, "d": .failed("log")] && finding.verdict == .faster("e", than: "a", by: 2))
    }

    @Test func tellsOfWhatShipsWhenThatIsWrong() throws {
        let clockwork = Clockwork(["a": .wrong("not as on cpu"), "b": .seconds(1)])
        #expect(try run(clockwork, ["a", "b"])?.verdict == .failed(.wrong("not as on cpu")))
        #expect(clockwork.trials == ["a"])
    }

    @Test func endsWithTheTime() throws {
        let candidates = ["a"] + (0..<50).map { "x\($0)" }
        let clockwork = Clockwork(Dictionary(uniqueKeysWithValues: candidates.map { ($0, .seconds($0 == "x3" ? 0.5 : 1)) }))
        let finding = try #require(try run(clockwork, candidates, until: 30))
        #expect(finding.tried.count == 16 && finding.candidateCount == 51 && finding.verdict == .faster("x3", than: "a", by: 2))
        #expect(clockwork.now <= 30, "trials left no time for duels")
        clockwork.now = 100
        let late = try TuneSearch(measurer: clockwork).run("task", candidates, until: 10, deadline: 1000)
        #expect(late?.tried.count == 6, "a class has its ten seconds, half of them for trials")
        let later = try TuneSearch(measurer: clockwork, leastSeconds: 0).run("task", candidates, until: 10, deadline: 1000)
        #expect(later?.tried == ["a"], "what ships is measured in any case")
        #expect(try run(clockwork, candidates, until: 10) == nil, "there was no time for what ships")
    }

    /// A duel of long steps has fewer pairs, and none has so few that they tell nothing.
    @Test func duelsTakeNoLongerThanTheyMay() throws {
        let short = Clockwork(["a": .seconds(0.01), "b": .seconds(0.005)])
        #expect(try run(short, ["a", "b"])?.verdict == .faster("b", than: "a", by: 2) && short.pairs == [15])
        let long = Clockwork(["a": .seconds(6), "b": .seconds(3)])
        #expect(try run(long, ["a", "b"])?.verdict == .faster("b", than: "a", by: 2) && long.pairs == [5])
        let endless = Clockwork(["a": .seconds(20), "b": .seconds(10)])
        let finding = try run(endless, ["a", "b"], until: 30)
        #expect(finding?.verdict == .best("a") && endless.pairs == [] && finding?.struck == [:], "three pairs of thirty seconds were to be over in sixty")
        #expect(finding?.unsure == "b")
    }

    // MARK: The end before the end

    /// What seems fastest when the search is asked to end is timed in turns with the present choice, and no other is.
    @Test func anInterruptedSearchMakesSureOfTheFastest() throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.4), "d": .seconds(0.1)])
        clockwork.patience = 3
        let finding = try #require(try run(clockwork, ["a", "b", "c", "d"]))
        #expect(finding.tried == ["a", "b", "c"] && clockwork.duels == ["c"] && finding.verdict == .faster("c", than: "a", by: 2.5))
        let unlucky = Clockwork(["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.4)])
        (unlucky.patience, unlucky.surprises) = (3, ["c": 3])
        #expect(try run(unlucky, ["a", "b", "c"])?.verdict == .best("a") && unlucky.duels == ["c"])
        let early = Clockwork(["a": .seconds(1)])
        early.patience = 0
        #expect(try run(early, ["a", "b"]) == nil && early.trials == [], "nothing was measured")
    }

    /// Asked to end in a duel: the first goes on, a further one is given up, and what was won stays so.
    @Test(arguments: [7, 8]) func anInterruptedDuelLosesNothing(patience: Int) throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.4)])
        clockwork.patience = patience
        let finding = try #require(try run(clockwork, ["a", "b", "c"]))
        #expect(clockwork.trials.count == 6 && clockwork.duels == (patience == 7 ? ["c"] : ["c", "b"]))
        #expect(finding.verdict == .faster("c", than: "a", by: 2.5) && finding.unsure == nil)
    }

    /// The time may be over in the middle of a trial.
    @Test func theEndOfTheTimeLeavesALastDuel() throws {
        let clockwork = Clockwork(["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.4)])
        let finding = try #require(try TuneSearch(measurer: clockwork).run("task", ["a", "b", "c"], until: 1000, deadline: 2.5))
        #expect(finding.tried == ["a", "b"] && clockwork.duels == ["b"] && finding.verdict == .faster("b", than: "a", by: 2))
        #expect(clockwork.now > 2.5 && clockwork.now < 62.5)
    }

    /// Before the end there is no time to look whether an earlier choice beats what ships; a challenger must beat the choice itself.
    @Test func anInterruptedSearchComparesWithTheChoiceOfBefore() throws {
        let outcomes: [String: Outcome] = ["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.45)]
        func finding(_ kept: String, patience: Int) throws -> (Finding, Clockwork) {
            let clockwork = Clockwork(outcomes)
            clockwork.patience = patience
            return (try #require(try run(clockwork, ["a", "b", "c"], kept: kept)), clockwork)
        }
        let (faster, clockwork) = try finding("b", patience: 3)
        #expect(faster.verdict == .faster("c", than: "b", by: 0.5 / 0.45) && clockwork.champions == ["b"])
        let (same, idle) = try finding("c", patience: 3)
        #expect(same.verdict == .best("c") && idle.duels == [])
        let (whole, _) = try finding("b", patience: .max)
        #expect(whole.verdict == .faster("c", than: "b", by: 0.5 / 0.45))
        let (alone, _) = try finding("b", patience: 1)
        #expect(alone.tried == ["a"] && alone.choice == "b", "it was not measured")
    }
}
