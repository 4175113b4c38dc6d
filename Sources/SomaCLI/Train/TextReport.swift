import Soma
import SomaZoo

/// What a person reads: the configuration, the parameters, a progress bar or lines, and the result.
final class TextReport: RunReport {
    private let interval: Double
    private let isVerbose: Bool
    private let bar: ProgressBar?
    private var device: Device?
    private var pace = Pace()
    private var lastLine = ContinuousClock.now

    init(interval: Double, isVerbose: Bool) {
        (self.interval, self.isVerbose) = (interval, isVerbose)
        bar = Console.isTerminal ? ProgressBar() : nil
    }

    // MARK: Beginning

    func begin(_ configuration: RunConfiguration, _ plan: RunPlan, _ device: Device) throws {
        self.device = device
        let settings = configuration.settings.texts.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        try say("recipe", "\(plan.recipe.name): \(plan.recipe.summary)")
        try say("device", "\(device): \(device.deviceDescription.model)")
        if isVerbose { try say("driver", device.deviceDescription.driver) }
        if let data = configuration.place.data { try say("data", data) }
        try say("run", "\(Quantity.counted(configuration.epochs, "epoch")), seed \(configuration.seed), float32, in \(plan.home)")
        if !settings.isEmpty { try say("settings", settings) }
        if let checkpoint = plan.checkpoint {
            try say("resumes", checkpoint.path)
        } else if plan.resumes {
            try say("resumes", "a run that had no checkpoint yet: it begins anew")
        }
    }

    // MARK: Events

    func note(_ event: RecipeEvent) throws {
        switch event {
        case .model(let summary): try show(summary)
        case .training(let event): try note(event)
        case .message(let text): try say(text)
        case .table(let table):
            try ([""] + table.lines(width: width)).forEach { try say($0) }
        case .file(let path): try say("wrote \(path)")
        case .interrupted(let place): try say("interrupted \(place)")
        }
    }

    private func show(_ summary: ModelSummary) throws {
        var table = TextTable(["parameter", "shape", "count"], [.left, .left, .right])
        for row in summary.rows { table.add([row.name, "\(row.shape)", Quantity.grouped(row.shape.count)]) }
        let lines = table.lines(width: width)
        // A deep network would fill screens.
        let shown = isVerbose || lines.count <= 24 ? lines : lines.prefix(12) + ["…"] + lines.suffix(8)
        let total = "\(summary.title): \(Quantity.grouped(summary.parameterCount)) parameters"
        try ([""] + shown + [total, ""]).forEach { try say($0) }
    }

    private func note(_ event: TrainingEvent) throws {
        switch event {
        case .phase(let name, let number, let count): try say("phase \(number + 1) of \(count): \(name)")
        case .started(let progress):
            pace = Pace()
            lastLine = .now
            if progress.updateCount > 0 && !progress.isOver { try say("goes on \(Self.place(progress))") }
        case .compiled(let programs): if isVerbose { try programs.map(Self.line).forEach { try say("plan", $0) } }
        case .step(let progress, let losses): try step(progress, losses)
        case .epoch(let summary): try epoch(summary)
        case .checkpoint(let path, let isBest):
            if isVerbose { try say("wrote \(path)\(isBest ? ", the best so far" : "")") }
        case .file(let path): if isVerbose { try say("wrote \(path)") }
        case .stoppedEarly(let progress): try say("ends after \(Quantity.counted(progress.epoch, "epoch")): none was better for as long as asked for")
        case .remark(let text): try say(text)
        case .interrupted(let progress): try say("interrupted \(Self.place(progress))")
        }
    }

    /// The memory plan of a step.
    private static func line(_ program: ProgramSummary) -> String {
        let steps = program.steps.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        return "arena \(Quantity.bytes(program.arenaByteCount)), at most \(Quantity.bytes(program.largestLiveByteCount)) alive at once, "
            + "results \(Quantity.bytes(program.outputByteCount)); steps: \(steps)"
    }

    private static func place(_ progress: TrainingProgress) -> String {
        "in epoch \(progress.epoch + 1) after \(Quantity.grouped(progress.updateCount)) updates"
    }

    private func step(_ progress: TrainingProgress, _ losses: [Figure]?) throws {
        pace.note(progress, losses: losses)
        try bar?.draw(progress, pace, memory: device?.memory.live ?? 0)
        guard losses != nil, isVerbose || (bar == nil && (.now - lastLine) / .seconds(1) >= interval) else { return }
        lastLine = .now
        try say(pace.line(progress, memory: device?.memory.live ?? 0, width: width))
    }

    private func epoch(_ summary: EpochSummary) throws {
        lastLine = .now
        try say(Self.line(summary, memory: device?.memory.live ?? 0, width: width))
    }

    /// What an epoch has brought, in at most `width` columns; nil: however many it takes.
    static func line(_ summary: EpochSummary, memory: Int, width: Int?) -> String {
        let count = summary.progress.epochCount
        var line = FittedLine()
        line.add("epoch \(TextTable.padded(String(summary.epoch + 1), to: String(count).count, .right))/\(count)", rank: 0)
        for loss in summary.losses { line.add("\(loss.title) \(loss.text)", rank: 2) }
        for figure in summary.evaluation?.report.figures ?? [] {
            line.add("test \(figure.title) \(figure.text)", rank: figure.name == summary.criterion?.measure ? 1 : 4)
        }
        let leftOut = summary.evaluation.map(\.leftOutCount) ?? 0
        line.add(leftOut > 0 ? "\(Quantity.grouped(leftOut)) left out" : nil, rank: 3)
        line.add(Pace.rate(summary.progress), rank: 5)
        line.add(Pace.dataWait(summary.progress), rank: 7)
        line.add(Quantity.bytes(memory), rank: 6)
        line.add(summary.isBest ? "best" : nil, rank: 3)
        return line.text(width: width)
    }

    // MARK: End

    func profile(_ report: ProfileReport) throws { try ([""] + report.lines).forEach { try say($0) } }

    func end(_ result: RecipeResult, _ plan: RunPlan, _ device: Device) throws {
        bar?.clear()
        let figures = result.test.figures.map { "test \($0.title) \($0.text)" } + [
            "\(Quantity.counted(result.epochs, "epoch")) in \(Quantity.duration(result.seconds))",
        ] + (result.samplesPerSecond.map { [Quantity.rate($0)] } ?? []) + [
            "at most \(Quantity.bytes(device.memory.peak)) on \(device)",
        ]
        if !result.isInterrupted { try ["", figures.joined(separator: ", ")].forEach { try say($0) } }
        if let checkpoint = result.checkpoint { try say("checkpoint \(checkpoint)") }
        if result.isInterrupted {
            try say(
                result.checkpoint == nil
                    ? "\(plan.recipe.name) keeps no checkpoint and begins anew: soma train \(plan.recipe.name)"
                    : "go on by: soma train \(plan.recipe.name) --resume \(plan.folder.path)")
        }
    }

    func failed(_ error: any Error) { bar?.clear() }

    /// Columns of the terminal that shows the report; nil where none does, and lines may be of any length.
    private var width: Int? { Console.isTerminal ? Console.width : nil }

    private func say(_ line: String) throws {
        bar?.clear()
        try Console.print(Self.fitted(line, to: width))
    }

    /// A name and what belongs to it, beside it.
    private func say(_ name: String, _ text: String) throws {
        bar?.clear()
        try Console.print(Self.fitted(name, text, to: width))
    }

    /// Broken between words where it is too long.
    static func fitted(_ line: String, to width: Int?) -> String {
        guard let width, line.count > width, !line.contains("\n") else { return line }
        return Prose.wrapped(line, indents: (0, 2), width: width)
    }

    static func fitted(_ name: String, _ text: String, to width: Int?) -> String {
        let head = TextTable.padded(name, to: nameWidth, .left)
        guard let width, nameWidth + text.count > width else { return head + text }
        // Beside the names is no room for words.
        if width < 3 * nameWidth { return fitted("\(name) \(text)", to: width) }
        return head + Prose.wrapped(text, indents: (nameWidth, nameWidth), width: width).dropFirst(nameWidth)
    }

    private static let nameWidth = 10
}
