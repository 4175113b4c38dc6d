import Glibc
import Soma
import SomaBackend

/// What measures candidates, in a process of its own: a kernel that hangs cannot be called back, a process can be ended.
///
/// It answers each line on standard input with one on standard output:
///
///     trial CLASS CANDIDATE BEST         seconds 0.0123 | wrong WORDS | failed WORDS
///     duel CLASS FIRST SECOND PAIRS      pairs 0.0123:0.0120 …
///
/// with tabs between words of a request, and after the first word of an answer.
struct TuneWorker {
    let device: Device
    /// Results of what ships are compared with this device's.
    let reference: Device
    let tasks: [TuningTask]
    /// Where answers go.
    let answers: Int32
    private var current: (task: String, trial: StepTrial)?

    init(device: Device, reference: Device, tasks: [TuningTask], answers: Int32) {
        (self.device, self.reference, self.tasks, self.answers) = (device, reference, tasks, answers)
    }

    /// Where standard output went until now; what a driver prints from now on is not taken for an answer.
    static func divertOutput() -> Int32 {
        let output = dup(STDOUT_FILENO)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        return output
    }

    /// Answers until standard input ends.
    mutating func run() throws {
        Self.endWithParent()
        while let line = readLine() {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard WholeWrite.write(answer(words) + "\n", to: answers) else { return }
        }
    }

    private mutating func answer(_ words: [String]) -> String {
        do {
            let trial = try trial(of: words.count > 1 ? words[1] : "")
            switch words.first {
            case "trial" where words.count == 4: return try Self.trial(trial, words[2], best: Double(words[3]), reference)
            case "duel" where words.count == 5:
                return "pairs\t" + (try Self.duel(trial, words[2], words[3], pairs: Int(words[4]) ?? 0)).joined(separator: " ")
            default: return "failed\tnot understood"
            }
        } catch {
            return "failed\t" + Prose.printable("\(error)".split(whereSeparator: \.isNewline).joined(separator: " | "))
        }
    }

    /// Memory is held for one class at a time.
    private mutating func trial(of name: String) throws -> StepTrial {
        if let current, current.task == name { return current.trial }
        guard let task = tasks.first(where: { $0.name == name }) else { throw SomaError("there is no class \(name)") }
        current = nil
        let trial = try StepTrial(task, on: device)
        current = (name, trial)
        return trial
    }

    private static func trial(_ trial: StepTrial, _ candidate: String, best: Double?, _ reference: Device) throws -> String {
        if let difference = try trial.firstDifference(by: candidate, from: reference) { return "wrong\t\(difference)" }
        try trial.refill()
        let first = try trial.seconds(by: candidate, runs: 1)
        if let best, first > 2 * best { return "seconds\t\(first)" }
        let runs = Self.runs(first)
        // Of a long run one more tells enough.
        let seconds = try (0..<(first > 0.5 ? 1 : 3)).map { _ in try trial.seconds(by: candidate, runs: runs) }
        return "seconds\t\(seconds.reduce(first, min))"
    }

    /// Each goes first in every other pair: what else the machine does in turns must not fall on one of them.
    private static func duel(_ trial: StepTrial, _ first: String, _ second: String, pairs: Int) throws -> [String] {
        try trial.refill()
        let runs = Self.runs(try trial.seconds(by: first, runs: 1))
        _ = try trial.seconds(by: second, runs: 1)
        return try (0..<max(0, pairs)).map { pair in
            let early = try trial.seconds(by: pair % 2 == 0 ? first : second, runs: runs)
            let late = try trial.seconds(by: pair % 2 == 0 ? second : first, runs: runs)
            return pair % 2 == 0 ? "\(early):\(late)" : "\(late):\(early)"
        }
    }

    /// As many as take ten milliseconds.
    private static func runs(_ seconds: Double) -> Int { min(1000, max(1, Int((0.01 / max(seconds, 1e-7)).rounded(.up)))) }

    /// Nobody would end a process that hangs when the one that waits for it was killed.
    private static func endWithParent() {
        var thread = pthread_t()
        pthread_create(&thread, nil, { _ in
            let parent = getppid()
            while getppid() == parent { sleep(1) }
            _exit(1)
        }, nil)
        pthread_detach(thread)
    }
}
