import Soma

/// One search over classes of steps, whose results are kept as they come.
struct TuneRun {
    /// Classes, the heaviest first, each with what ships first.
    let tasks: [(name: String, candidates: [String])]
    let search: TuneSearch
    /// Choices by class: at first those of earlier searches.
    private(set) var choices: [String: String]
    /// Keeps choices beside those of other classes, and tells where; `nil` forgets one.
    let keep: ([String: String?]) throws -> String
    var report: TuneReport?
    private var path: String?
    private var faster = 0

    init(
        tasks: [(name: String, candidates: [String])], search: TuneSearch, choices: [String: String], report: TuneReport? = nil,
        keep: @escaping ([String: String?]) throws -> String
    ) {
        (self.tasks, self.search, self.choices, self.report, self.keep) = (tasks, search, choices, report, keep)
    }

    /// - Throws: `ExitCode` 130 where it was interrupted; `SomaError` where a choice cannot be kept or no worker be started.
    mutating func run(seconds: Double) throws {
        defer { report?.clear() }
        let end = search.measurer.now + seconds
        for (place, task) in tasks.enumerated() {
            let now = search.measurer.now
            if now >= end { break }
            // Each class gets its part of the time that those before it have left.
            let share = (end - now) / Double(tasks.count - place)
            let finding = try search.run(task.name, candidates(of: task), until: now + share, deadline: end) { finding in
                try report?.note(finding, secondsLeft: end - search.measurer.now)
            }
            guard let finding else { break }
            try keep(finding)
            try report?.end(finding)
        }
        let isInterrupted = search.measurer.isInterrupted
        try report?.end(faster: faster, path: path, isInterrupted: isInterrupted)
        if isInterrupted { throw Interruption.exitCode }
    }

    /// What ships, what an earlier search chose, then all others.
    private func candidates(of task: (name: String, candidates: [String])) -> [String] {
        guard let chosen = choices[task.name], let shipped = task.candidates.first, task.candidates.contains(chosen), chosen != shipped
        else { return task.candidates }
        return [shipped, chosen] + task.candidates.dropFirst().filter { $0 != chosen }
    }

    private mutating func keep(_ finding: Finding) throws {
        let before = choices[finding.task]
        switch finding.verdict {
        case .faster(let choice, _):
            faster += 1
            choices[finding.task] = choice
        case .shipped:
            // What an earlier search chose has lost this time.
            if let chosen = choices[finding.task], finding.tried.contains(chosen), !finding.isUndecided { choices[finding.task] = nil }
        case .failed: break
        }
        // Of other classes another search may have found more since this one began.
        let found = choices[finding.task]
        if found != before { path = try keep([finding.task: found]) }
    }
}
