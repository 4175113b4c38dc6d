import Soma
import Testing

@testable import SomaCLI

/// A search over several classes: what is kept, and when.
@Suite struct TuneRunTests {
    private static let outcomes: [String: Outcome] = ["a": .seconds(1), "b": .seconds(0.5), "c": .seconds(0.9)]

    /// The first class takes six trials and two duels; of the second, what seems fastest when the search is asked to end is kept too.
    @Test(arguments: [(2, [["one": "b"]]), (8, [["one": "b"]]), (10, [["one": "b"], ["two": "b"]])] as [(Int, [[String: String?]])])
    func anInterruptedRunKeepsWhatItHas(patience: Int, wanted: [[String: String?]]) throws {
        let clockwork = Clockwork(Self.outcomes)
        clockwork.patience = patience
        var kept: [[String: String?]] = []
        var run = TuneRun(
            tasks: [("one", ["a", "b", "c"]), ("two", ["a", "b", "c"]), ("three", ["a", "b", "c"])], search: TuneSearch(measurer: clockwork),
            choices: ["before": "x"]
        ) { choices in
            kept.append(choices)
            return "file"
        }
        #expect(throws: Interruption.exitCode) { try run.run(seconds: 1000) }
        #expect(kept == wanted, "choices of other classes are another's to keep")
    }

    /// What was chosen before is tried early, stays where there is no time for it, and goes where it does not win again.
    @Test func choicesOfBeforeMustWinAgain() throws {
        let clockwork = Clockwork(Self.outcomes)
        func choices(_ before: [String: String], seconds: Double = 1000) throws -> [String: String] {
            var run = TuneRun(tasks: [("one", ["b", "a", "c"])], search: TuneSearch(measurer: clockwork), choices: before) { _ in "file" }
            try run.run(seconds: seconds)
            return run.choices
        }
        #expect(try choices(["one": "c"]) == [:])
        #expect(clockwork.trials.prefix(3) == ["b", "c", "a"])
        #expect(try choices(["one": "gone"]) == [:], "it can no longer be built")
        // Time for what ships alone.
        #expect(try choices(["one": "c"], seconds: 1.5) == ["one": "c"])
        // What wins is timed beside the choice of before, which takes its place where it is still the best.
        clockwork.outcomes["d"] = .seconds(0.3)
        #expect(try choices(["one": "d"]) == ["one": "d"])
        clockwork.surprises = ["d": 10]
        #expect(try choices(["one": "d"]) == [:])
    }

    @Test func aRunWithoutTimeSaysSo() throws {
        var run = TuneRun(tasks: [("one", ["a", "b", "c"])], search: TuneSearch(measurer: Clockwork(Self.outcomes)), choices: [:]) { _ in
            Issue.record("nothing was measured")
            return "file"
        }
        #expect { try run.run(seconds: 0.5) } throws: { "\($0)".contains("give more --minutes") }
    }

    /// A file that cannot be used would be complained of for ever.
    @Test func anUnusableFileIsReplaced() throws {
        var kept: [[String: String?]] = []
        func run(_ candidates: [String]) throws {
            var run = TuneRun(tasks: [("one", candidates)], search: TuneSearch(measurer: Clockwork(Self.outcomes)), choices: [:]) { choices in
                kept.append(choices)
                return "file"
            }
            run.hasUnusableFile = true
            try run.run(seconds: 1000)
        }
        try run(["b", "a"])
        #expect(kept == [[:]])
        try run(["a", "b"])
        #expect(kept == [[:], ["one": "b"]], "once, with what was found")
    }

    @Test func aRunThatCanMeasureNothingSaysSo() throws {
        let broken: [String: Outcome] = ["a": .hung, "b": .seconds(1)]
        var run = TuneRun(tasks: [("one", ["a", "b"])], search: TuneSearch(measurer: Clockwork(broken)), choices: [:]) { _ in
            Issue.record("nothing was measured")
            return "file"
        }
        run.hasUnusableFile = true
        #expect { try run.run(seconds: 1000) } throws: { "\($0)".contains("no class of steps could be measured") }
    }

    /// What cannot be kept ends the search, with what was kept before as it was.
    @Test func aRunThatCannotKeepEnds() throws {
        let clockwork = Clockwork(Self.outcomes)
        var kept: [[String: String?]] = []
        var run = TuneRun(tasks: [("one", ["a", "b"]), ("two", ["a", "b"]), ("three", ["a", "b"])], search: TuneSearch(measurer: clockwork), choices: [:]) {
            if !kept.isEmpty { throw SomaError("the disk is full") }
            kept.append($0)
            return "file"
        }
        #expect(throws: SomaError.self) { try run.run(seconds: 1000) }
        #expect(kept == [["one": "b"]] && run.choices == ["one": "b"])
    }
}
