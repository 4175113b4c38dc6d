import Glibc
import Soma

/// Runs benchmarks and compares reports, and tells the results as they come.
struct BenchPrinter {
    let format: ReportFormat
    /// Where the report is kept, and where its pictures.
    var save: String?
    var chart: String?
    /// The reports to compare with, by the names of their files; the first is the one that others are compared with.
    var references: [(path: String, report: BenchReport)] = []
    /// The least speed beside the reference.
    var failBelow: Double?
    /// Whether a run is asked for a row; between files every row is.
    var isAsked: (BenchRow.Key) -> Bool = { _ in true }

    /// What bounds workloads.
    private static let limits: [Peak] = [.float32, .memoryRead, .memoryWrite, .memoryCopy, .launch]

    /// Measures, and compares with the reference if there is one. What cannot be kept is no reason not to tell the rest.
    func run(_ run: BenchRun) throws {
        var report = start(run)
        try measure(run, &report)
        // A machine that was busy before the first row may be quiet after the last, and kept are the better figures.
        let doubts = run.measuresLimits ? report.improveLimits(with: run.devices.map { $0.measured(Self.limits) }) : []
        (report.warnings + doubts).forEach(Console.complain)
        var attempts = Attempts()
        attempts.attempt { try keep(report) }
        attempts.attempt { if let chart { try AtomicFile.write(report.chart(), to: chart) } }
        if let reference = references.first {
            attempts.attempt {
                if isForPeople { try Console.print("") }
                try compare(reference, with: (nil, report))
            }
        }
        attempts.attempt { try complain(of: report) }
        try attempts.finish()
    }

    private func start(_ run: BenchRun) -> BenchReport {
        var report = BenchReport(environment: .current)
        report.devices = run.devices.map { device in
            var result = BenchDevice(device.deviceDescription, choices: device.tuning?.choices ?? [:])
            if run.measuresLimits { result.peaks = device.measured(Self.limits) }
            return result
        }
        report.baseline = run.devices.count > 1 ? report.devices.first?.name : nil
        return report
    }

    /// Completes a report row by row, prints each, and keeps them aside, so that an end before the last loses none.
    private func measure(_ run: BenchRun, _ report: inout BenchReport) throws {
        // A spreadsheet takes one table: where there is something to compare with, that of the comparison.
        let isShown = format != .csv || references.isEmpty
        if isShown { try report.head(format).forEach(Console.print) }
        try run.run(&report) { row, report in
            if isShown { try report.lines(of: row, format).forEach(Console.print) }
            // What goes wrong here is told at the end, once all is measured.
            if let partial { try? report.partial.save(to: partial) }
        }
    }

    /// Where rows are kept until all are there: a run that ends early leaves the file of an earlier one as it was.
    private var partial: String? { save.flatMap { OutputFile.isReplaced($0) ? "\($0).partial" : nil } }

    private func keep(_ report: BenchReport) throws {
        guard let save else { return }
        try report.save(to: save)
        if let partial { unlink(partial) }
    }

    private var isForPeople: Bool { format == .text || format == .md }

    /// Prints a report that was kept.
    func show(_ report: BenchReport) throws {
        if let chart { try AtomicFile.write(report.chart(), to: chart) }
        try report.lines(format).map(Prose.printable).forEach(Console.print)
        report.warnings.forEach(Console.complain)
    }

    /// Compares the reports of files with the first of them, all of them even where one fails at the gate.
    func compare() throws {
        guard let first = references.first else { return }
        var attempts = Attempts()
        attempts.attempt { if let chart, let last = references.last { try AtomicFile.write(last.report.chart(), to: chart) } }
        for (number, other) in references.dropFirst().enumerated() {
            attempts.attempt {
                if number > 0 && isForPeople { try Console.print("") }
                try compare(first, with: other, isFirst: number == 0)
            }
        }
        try attempts.finish()
    }

    private func compare(
        _ reference: (path: String, report: BenchReport), with other: (path: String?, report: BenchReport), isFirst: Bool = true
    ) throws {
        let comparison = BenchComparison(reference.report, other.report)
        // The tables of several comparisons share a head where programs read them.
        let lines = comparison.lines(format, files: (reference.path, other.path))
        try lines.dropFirst(format == .csv && !isFirst ? 1 : 0).forEach(Console.print)
        if comparison.isEmpty { throw SomaError("\(reference.path) and \(other.path ?? "this run") have no row in common") }
        if let failBelow { try gate(comparison, failBelow, reference.path) }
    }

    /// Of what is too noisy to judge it only warns.
    private func gate(_ comparison: BenchComparison, _ ratio: Double, _ path: String) throws {
        func list(_ lines: [BenchComparison.Line]) -> String {
            lines.map { "\($0.key.title) on \($0.key.device) (\($0.ratio.map { Quantity.fixed($0, 2) } ?? $0.verdict.words))" }
                .joined(separator: ", ")
        }
        let (failures, doubts) = (comparison.failures(below: ratio, isWanted: isAsked), comparison.doubts(below: ratio))
        if !doubts.isEmpty { Console.complain("soma: too noisy to judge beside \(path), so not counted as slower: \(list(doubts))") }
        if !failures.isEmpty { throw SomaError("below \(ratio) times the speed of \(path), or not measured: \(list(failures))") }
    }

    private func complain(of report: BenchReport) throws {
        guard let first = report.failures.first else { return }
        let count = "\(report.failures.count) of \(report.rows.count) rows have no value"
        throw SomaError("\(count); \(first.key.title) on \(first.device) \(first.reason ?? "")")
    }
}
