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
    let report: TuneReport?
    /// Whether there are choices of earlier searches that cannot be used, and are replaced in any case.
    var hasUnusableFile = false
    private var summary: TuneSummary

    init(
        tasks: [(name: String, candidates: [String])], search: TuneSearch, choices: [String: String], report: TuneReport? = nil,
        keep: @escaping ([String: String?]) throws -> String
    ) {
        (self.tasks, self.search, self.choices, self.report, self.keep) = (tasks, search, choices, report, keep)
        summary = TuneSummary(classCount: tasks.count)
    }

    /// - Throws: `ExitCode` 130 where it was interrupted; `SomaError` where a choice cannot be kept, no worker be started, or the time is too
    ///   short for a single class.
    mutating func run(seconds: Double) throws {
        defer { report?.clear() }
        let end = search.measurer.now + seconds
        for (place, task) in tasks.enumerated() {
            let now = search.measurer.now
            if now >= end || search.measurer.isInterrupted { break }
            // Each class gets its part of the time that those before it have left.
            let share = (end - now) / Double(tasks.count - place)
            let finding = try search.run(task.name, task.candidates, kept: choices[task.name], until: now + share, deadline: end) { news in
                try report?.note(news, secondsLeft: end - search.measurer.now)
            }
            guard let finding else { break }
            // What was found is worth telling even where it cannot be kept.
            let kept = Result { try keep(finding) }
            try report?.end(finding)
            try kept.get()
        }
        summary.isInterrupted = search.measurer.isInterrupted
        if summary.isEmpty && !summary.isInterrupted { throw summary.noTime }
        if hasUnusableFile && summary.path == nil && summary.done > 0 { summary.path = try keep([:]) }
        try report?.end(summary)
        if summary.done + summary.glances == 0 && !summary.isInterrupted { throw summary.nothingMeasured }
        if summary.isInterrupted { throw Interruption.exitCode }
    }

    private mutating func keep(_ finding: Finding) throws {
        if case .failed = finding.verdict { return summary.failures += 1 }
        if finding.tried.count == 1 && finding.candidateCount > 1 { summary.glances += 1 } else { summary.done += 1 }
        let choice = finding.choice == finding.shipped ? nil : finding.choice
        guard choice != choices[finding.task] else { return }
        // Of other classes another search may have found more since this one began.
        let path = try keep([finding.task: choice])
        choices[finding.task] = choice
        summary.changes.append(finding)
        summary.path = path
    }
}

/// What a search came to.
struct TuneSummary {
    let classCount: Int
    /// Classes of which several candidates were tried; of which what ships alone, as the time was over; and of which even that failed.
    var done = 0
    var glances = 0
    var failures = 0
    /// Where the choice is another than before.
    var changes: [Finding] = []
    /// The file with the choices; nil where it was left as it was.
    var path: String?
    var isInterrupted = false

    init(classCount: Int) { self.classCount = classCount }

    var isEmpty: Bool { done + glances + failures == 0 }
    var nothingMeasured: SomaError { SomaError("no class of steps could be measured", hint: "raise --limit where what ships takes longer") }
    var noTime: SomaError { SomaError("the time was over before a class of steps was measured", hint: "give more --minutes") }
}
