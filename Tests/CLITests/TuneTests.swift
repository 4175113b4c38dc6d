import Glibc
import Soma
import Testing

@testable import SomaCLI

/// The search for the fastest choice, with times that are made up.
@Suite struct TuneSearchTests {
    /// Candidates take the seconds that are given; times of a duel alternate around these by `noise`.
    private final class Clockwork: TuneMeasurer {
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

    // MARK: Several classes

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

/// Processes that answer, hang, and end.
@Suite struct WorkerProcessTests {
    private func worker(_ script: String) throws -> WorkerProcess { try WorkerProcess("/bin/sh", ["sh", "-c", script]) }

    private func measurer(limit: Double, _ script: String) -> (WorkerMeasurer, () -> Int) {
        var starts = 0
        let measurer = WorkerMeasurer(limit: limit) {
            starts += 1
            return try WorkerProcess("/bin/sh", ["sh", "-c", script])
        }
        return (measurer, { starts })
    }

    @Test func answersLineByLine() throws {
        let worker = try worker("while read line; do echo \"<$line>\"; done")
        for text in ["one", "two words", ""] {
            #expect(worker.answer(to: text, within: 20, isInterrupted: { false }) == .line("<\(text)>"))
        }
        worker.stop()
        #expect(worker.answer(to: "more", within: 20, isInterrupted: { false }) == .ended)
    }

    @Test func isEndedWhenItHangs() throws {
        let start = ContinuousClock.now
        let silent = try worker("read line; sleep 1000")
        #expect(silent.answer(to: "one", within: 0.3, isInterrupted: { false }) == .late && !silent.isRunning)
        #expect(try worker("read line; sleep 1000").answer(to: "one", within: 1000, isInterrupted: { true }) == .interrupted)
        #expect(try worker("read line; exit 3").answer(to: "one", within: 1000, isInterrupted: { false }) == .ended)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    /// The one after a candidate that hung or broke down is measured by a new process.
    @Test func startsAnewAfterEachThatHangs() throws {
        let script = """
            while read kind task candidate best; do
                case $candidate in
                    slow) sleep 1000;;
                    broken) exit 1;;
                    wrong) printf 'wrong\\telement 7\\n';;
                    *) printf 'seconds\\t0.25\\n';;
                esac
            done
            """
        signal(SIGPIPE, SIG_IGN)
        let (measurer, starts) = measurer(limit: 0.4, script)
        let outcomes = try ["good", "slow", "good", "broken", "wrong"].map { try measurer.trial($0, of: "task", best: nil, until: .infinity) }
        #expect(outcomes == [.seconds(0.25), .hung, .seconds(0.25), .failed("it ended the process"), .wrong("element 7")])
        #expect(starts() == 3)
    }

    /// A duel may take what it should and more; what takes longer than the search did not hang.
    @Test func waitsAsLongAsADuelMayTake() throws {
        let (measurer, _) = measurer(limit: 0.2, "while read kind task rest; do [ $kind = trial ] || sleep 1; printf 'pairs\\t2:1\\n'; done")
        _ = try measurer.trial("a", of: "task", best: nil, until: .infinity)
        func duel(expected: Double, until deadline: Double = .infinity) throws -> Result<Duel, Outcome> {
            let request = DuelRequest(first: "a", second: "b", pairs: 1, expected: expected, isInterruptible: false)
            return try measurer.duel(request, of: "task", until: deadline)
        }
        #expect(try duel(expected: 30) == .success(Duel(pairs: [[2, 1]])))
        #expect(try duel(expected: 0) == .failure(.hung))
        #expect(try duel(expected: 30, until: measurer.now + 0.2) == .failure(.unfinished))
    }
}

/// The command on a device of OpenCL, if there is one.
@Suite(.serialized) struct TuneCommandTests {
    let folder = TestFolder()
    private static let device: String? = {
        let name = Device.all().first { $0.name.hasPrefix("opencl:") }?.name
        if name == nil { print("skipped: no OpenCL device to tune") }
        return name
    }()

    private func tune(_ words: String..., environment: [String: String] = [:], interrupt: (signal: Int32, when: () -> Bool)? = nil) -> Command {
        tune(words, environment: environment, interrupt: interrupt)
    }

    private func tune(_ words: [String], environment: [String: String] = [:], interrupt: (signal: Int32, when: () -> Bool)? = nil) -> Command {
        let words = ["tune", "--allow-debug", "--device", Self.device ?? "opencl"] + words
        return Command.run(
            ["\(Command.folder)/soma"] + words, in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"].merging(environment) { $1 },
            interrupt: interrupt)
    }

    @Test(.enabled(if: device != nil)) func measuresCandidates() throws {
        let command = tune("--workload", "gemm_256", "--minutes", "0.12", "--json")
        #expect(command.status == 0, "\(command.complaint)")
        let all = try command.lines.map { try JSON(parsing: $0) }
        let (events, trials) = (all.filter { $0["event"] != "trial" }, all.filter { $0["event"] == "trial" })
        #expect(events.map { $0["event"]?.string } == ["start", "class", "end"] && !trials.isEmpty)
        let found = events[1]
        #expect(found["class"]?.string == "matmul 1 256 256 256 nn" && (found["tried"]?.integer ?? 0) > 0 && (found["shipped_s"]?.double ?? 0) > 0)
        #expect(found["struck"]?.members?.isEmpty == true, "\(found)")
        // Kept is what is faster, and nothing else.
        let isFaster = found["choice"] != found["shipped"]
        let isKept = folder.exists("tuning/\(try #require(fileName))")
        #expect(isKept == isFaster && isKept == (events[2]["file"]?.string != nil))
    }

    private static let product = "matmul 1 256 256 256 nn"

    /// Of the class under way, too, what was found is told and kept: whether something is faster than the choice of before the machine decides.
    @Test(.enabled(if: device != nil), arguments: [SIGINT, SIGTERM]) func keepsWhatItHasWhenInterrupted(signal: Int32) throws {
        try writeTuning("\(Self.product)  8x32x32/8x32", ["SOMA_TUNING": "\(folder.path)/tuning"])
        let command = tune(
            "--workload", "gemm_256", "--minutes", "30", "--json",
            interrupt: (signal, { folder.text(".stdout").split(separator: "\n").count { $0.contains("\"trial\"") } > 3 }))
        #expect(command.status == 130, "\(command.complaint)")
        let events = try command.lines.map { try JSON(parsing: $0) }.filter { $0["event"] != "trial" }
        #expect(events.map { $0["event"]?.string } == ["start", "class", "end"] && events.last?["interrupted"] == true)
        let found = try #require(events.first { $0["event"] == "class" })
        #expect(found["before"]?.string == "8x32x32/8x32" && found["tried"]?.integer ?? 0 < found["candidates"]?.integer ?? 0)
        let choice = try #require(found["choice"]?.string)
        let text = folder.text("tuning/\(try #require(fileName))")
        #expect(text.contains("\n\(Self.product)  \(choice)\n") == (found["choice"] != found["shipped"]), "\(found) \(text)")
        #expect(events.last?["changed"]?.integer == (found["choice"] == found["before"] ? 0 : 1))
    }

    @Test(.enabled(if: device != nil)) func endsAtOnceAtTheSecondSignal() {
        // The first is waited out: the worker is at what ships.
        let words = "tune --allow-debug --device \(Self.device ?? "") --workload gemm_1024 --minutes 30 --json"
        let script = """
            \(Command.folder)/soma \(words) & search=$!
            until grep -q start .stdout; do sleep 0.02; done
            kill -TERM $search; sleep 0.1; kill -TERM $search; wait $search
            """
        let command = Command.run(["/bin/sh", "-c", script], in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
        #expect(command.status == 128 + SIGTERM && command.lines.count == 1, "\(command.output) \(command.complaint)")
    }

    /// A kill at any moment leaves the file as it was after the last class.
    @Test(.enabled(if: device != nil)) func aKillLeavesTheFile() throws {
        let environment = ["SOMA_TUNING": "\(folder.path)/tuning"]
        try writeTuning("\(Self.product)  8x32x32/8x32", environment)
        let name = "tuning/\(try #require(fileName))"
        let before = folder.bytes(name)
        let words = ["--workload", "gemm_256,gemm_512", "--minutes", "0.12", "--json"]
        func isUnderWay(_ event: String) -> Bool { folder.text(".stdout").contains("\"event\":\"\(event)\"") }
        #expect(tune(words, interrupt: (SIGKILL, { isUnderWay("trial") })).status == 128 + SIGKILL)
        #expect(folder.bytes(name) == before)
        let later = tune(words, interrupt: (SIGKILL, { isUnderWay("class") }))
        #expect(later.status == 128 + SIGKILL, "\(later.complaint)")
        let devices = Command.run(["\(Command.folder)/soma", "devices"], in: folder, environment: environment)
        #expect(devices.output.contains("as soma tune found best") && devices.complaint.isEmpty, "\(devices.output) \(devices.complaint)")
    }

    @Test(.enabled(if: device != nil)) func tellsOfAFolderThatCannotBeWritten() throws {
        try folder.write("occupied", [])
        for place in ["\(folder.path)/occupied", "\(folder.path)/occupied/below", "/proc/nowhere"] {
            tune("--workload", "gemm_256", environment: ["SOMA_TUNING": place]).expectComplaint(1, "cannot keep choices", place, "SOMA_TUNING")
        }
        let empty = tune("--workload", "gemm_256", environment: ["SOMA_TUNING": ""])
        empty.expectComplaint(1, "choices would be kept nowhere", "SOMA_TUNING is empty", "name a folder")
    }

    /// What there is no room for is told before the search, which leaves no part of a file.
    @Test(.enabled(if: device != nil)) func tellsOfADiskThatIsFull() {
        let words = "tune --allow-debug --device \(Self.device ?? "") --workload gemm_256"
        let command = Command.run(
            ["/bin/sh", "-c", "ulimit -f 1; exec \(Command.folder)/soma \(words)"], in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
        command.expectComplaint(1, "cannot keep choices", "too large")
        #expect(!folder.exists("tuning") || rmdir("\(folder.path)/tuning") == 0, "something was left")
    }

    @Test(.enabled(if: device != nil)) func tellsThatTheTimeWasTooShort() {
        let command = tune("--workload", "gemm_256", "--minutes", "1e-9")
        command.expectComplaint(1, "the time was over before", "--minutes")
        #expect(!folder.exists("tuning") || rmdir("\(folder.path)/tuning") == 0, "a file was written")
    }

    /// A recipe stands for its training step.
    @Test(.enabled(if: device != nil)) func takesRecipes() throws {
        func classes(_ words: String...) -> Int? {
            let command = Command.run(
                ["\(Command.folder)/soma", "tune", "--allow-debug", "--device", Self.device ?? "", "--minutes", "1e-9", "--json"] + words, in: folder,
                environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
            return (command.lines.first.flatMap { try? JSON(parsing: $0) })?["classes"]?.integer
        }
        #expect(try #require(classes("--workload", "resnet20")) > 10)
        #expect(try #require(classes("--workload", "digits,gemm_256")) > #require(classes("--workload", "gemm_256")))
        tune("--workload", "lenet").expectComplaint(2, "lenet needs --data")
        tune("--workload", "gemm_256", "--data", "data").expectComplaint(2, "no recipe")
    }

    @Test func refusesWhatCannotBeTuned() {
        Command.soma("tune", "--allow-debug", "--device", "cpu", in: folder).expectComplaint(1, "cpu has nothing to tune")
        Command.soma("tune", "--workload", "gemm_25", in: folder).expectComplaint(2, "gemm_25", "did you mean gemm_256")
        Command.soma("tune", "--workload", "nothing", in: folder).expectComplaint(2, "nothing", "gemm_256", "resnet20")
        for minutes in ["-1", "0", "nan", "inf", "1e9", ""] {
            let command = Command.soma("tune", "--minutes", minutes, in: folder)
            #expect(command.status == 2 && command.complaint.contains("minutes"), "\(command.complaint)")
        }
    }

    /// A run keeps its choices, and goes on with them whatever was measured since.
    @Test(.enabled(if: device != nil)) func runsGoOnWithTheirChoices() throws {
        let (device, chosen) = (Self.device ?? "", "map 65536 flat  1x128")
        let environment = ["SOMA_TUNING": "\(folder.path)/tuning", "SOMA_DEVICE": device]
        func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words, in: folder, environment: environment) }
        // A file of another device names this one's path, and says what the file must say.
        let complaint = try writeTuning(chosen, environment)
        #expect(complaint.contains("made for"), "\(complaint)")
        let listing = soma("devices")
        #expect(listing.output.contains("\(device) computes 1 class of steps as soma tune found best"), "\(listing.output)")
        #expect(soma("train", "digits", "--epochs", "1", "hidden=8", "--output", "run").status == 0)
        let configuration = folder.text("run/config.json")
        #expect(configuration.contains("\"choices\":{\"map 65536 flat\":\"1x128\"}"), "\(configuration)")
        try writeTuning("map 65536 flat  1x256", environment)
        let resumed = soma("train", "digits", "--resume", "run", "--epochs", "2")
        #expect(resumed.status == 0 && !resumed.output.contains("last digits"), "\(resumed.output) \(resumed.complaint)")
        #expect(folder.text("run/config.json").contains("1x128"))
        // A profile around the device leaves its choices as they are.
        #expect(soma("train", "digits", "--epochs", "1", "hidden=8", "--output", "watched", "--profile", "t.json").status == 0)
        #expect(folder.text("watched/config.json").contains("\"choices\":{\"map 65536 flat\":\"1x256\"}"))
        let watched = soma("train", "digits", "--resume", "run", "--epochs", "3", "--profile", "t.json")
        #expect(watched.status == 0 && !watched.output.contains("last digits"), "\(watched.output) \(watched.complaint)")
        #expect(folder.text("run/config.json").contains("1x128"))
        let damaged = configuration.replacing("1x128", with: "1y128")
        try folder.write("damaged/last.safetensors", try #require(folder.bytes("run/last.safetensors")))
        try folder.write("damaged/config.json", Array(damaged.utf8))
        soma("train", "digits", "--resume", "damaged", "--epochs", "2").expectComplaint(1, "choices of an earlier run", "1y128")
        let elsewhere = soma("train", "digits", "--resume", "run", "--epochs", "4", "--device", "cpu")
        #expect(elsewhere.status == 0 && elsewhere.output.contains("its last digits may differ"), "\(elsewhere.output)")
    }

    /// Writes a tuning file for the device; gives what was said of one for another device.
    @discardableResult private func writeTuning(_ line: String, _ environment: [String: String]) throws -> String {
        func devices() throws -> JSON? {
            let command = Command.run(["\(Command.folder)/soma", "devices", "--json"], in: folder, environment: environment)
            return try JSON(parsing: command.output).array?.first { $0["name"]?.string == Self.device }?["tuning"]
        }
        let name = try #require(fileName)
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  another\ndriver  another\nend\n".utf8))
        let deviceReason = try #require(try devices()?["ignored"]?.string)
        let device = try #require(deviceReason.components(after: "and this is "))
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  \(device)\ndriver  another\nend\n".utf8))
        let driverReason = try #require(try devices()?["ignored"]?.string)
        let driver = try #require(driverReason.components(after: "and this is "))
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  \(device)\ndriver  \(driver)\n\(line)\nend\n".utf8))
        return deviceReason
    }

    /// Where the device's file would lie.
    private var fileName: String? {
        let command = tune("--workload", "gemm_256", environment: ["SOMA_TUNING": "/proc/nowhere"])
        guard let start = command.complaint.range(of: "/proc/nowhere/"), let end = command.complaint.range(of: ".txt") else { return nil }
        return String(command.complaint[start.upperBound..<end.upperBound])
    }
}

extension String {
    /// What follows a phrase.
    fileprivate func components(after phrase: String) -> String? { range(of: phrase).map { String(self[$0.upperBound...]) } }

    fileprivate func range(of phrase: String) -> Range<String.Index>? { ranges(of: phrase).first }
}
