import Glibc
import Soma
import Testing

@testable import SomaCLI

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
        let silent = try worker("read line; exec sleep 1000")
        #expect(silent.answer(to: "one", within: 0.3, isInterrupted: { false }) == .late && !silent.isRunning)
        #expect(try worker("read line; exec sleep 1000").answer(to: "one", within: 1000, isInterrupted: { true }) == .interrupted)
        #expect(try worker("read line; exit 3").answer(to: "one", within: 1000, isInterrupted: { false }) == .ended)
        #expect(ContinuousClock.now - start < .seconds(900))
    }

    /// The one after a candidate that hung or broke down is measured by a new process.
    @Test func startsAnewAfterEachThatHangs() throws {
        let script = """
            while read kind task candidate best; do
                case $candidate in
                    slow) exec sleep 1000;;
                    broken) exit 1;;
                    wrong) printf 'wrong\\telement 7\\n';;
                    *) printf 'seconds\\t0.25\\n';;
                esac
            done
            """
        signal(SIGPIPE, SIG_IGN)
        // What hangs is waited for so long, and what answers may take as long on a busy machine.
        let (measurer, starts) = measurer(limit: 5, script)
        let outcomes = try ["good", "slow", "good", "broken", "wrong"].map { try measurer.trial($0, of: "task", best: nil, until: .infinity) }
        #expect(outcomes == [.seconds(0.25), .hung, .seconds(0.25), .failed("it ended the process"), .wrong("element 7")])
        #expect(starts() == 3)
    }

    /// A duel may take what it should and more; what takes longer than the search did not hang.
    @Test func waitsAsLongAsADuelMayTake() throws {
        let (measurer, _) = measurer(limit: 2, "while read kind task rest; do [ $kind = trial ] || sleep 5; printf 'pairs\\t2:1\\n'; done")
        _ = try measurer.trial("a", of: "task", best: nil, until: .infinity)
        func duel(expected: Double, until deadline: Double = .infinity) throws -> Result<Duel, Outcome> {
            let request = DuelRequest(first: "a", second: "b", pairs: 1, expected: expected, isInterruptible: false)
            return try measurer.duel(request, of: "task", until: deadline)
        }
        #expect(try duel(expected: 300) == .success(Duel(pairs: [[2, 1]])))
        #expect(try duel(expected: 0) == .failure(.hung))
        #expect(try duel(expected: 300, until: measurer.now + 0.2) == .failure(.unfinished))
    }
}
