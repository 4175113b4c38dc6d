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

    /// What bounds workloads.
    private static let limits: [Peak] = [.float32, .memoryRead, .memoryWrite, .memoryCopy]

    /// Measures, and compares with the reference if there is one.
    func run(_ run: BenchRun, measuringLimits: Bool) throws {
        var report = BenchReport(environment: .current)
        report.devices = run.devices.map { device in
            var result = BenchDevice(device.deviceDescription)
            if measuringLimits { result.peaks = device.measured(Self.limits) }
            return result
        }
        report.baseline = run.devices.count > 1 ? report.devices.first?.name : nil
        try report.head(format).forEach(Console.print)
        try run.run(&report) { row, report in
            try report.lines(of: row, format).forEach(Console.print)
            // An end before the last row leaves those that were measured. What goes wrong here is told at the end, once all is measured.
            if let save, OutputFile.isReplaced(save) { try? report.save(to: save) }
        }
        try finish(report)
        report.warnings.forEach(Console.complain)
        if let reference = references.first { try compare(reference, with: ("this run", report)) }
        try complain(of: report)
    }

    /// Compares the reports of files with the first of them.
    func compare() throws {
        guard let first = references.first else { return }
        if let chart, let last = references.last { try AtomicFile.write(last.report.chart, to: chart) }
        for other in references.dropFirst() { try compare(first, with: other) }
    }

    private func finish(_ report: BenchReport) throws {
        if let save { try report.save(to: save) }
        if let chart { try AtomicFile.write(report.chart, to: chart) }
    }

    private func compare(_ reference: (path: String, report: BenchReport), with other: (path: String, report: BenchReport)) throws {
        let comparison = BenchComparison(reference.report, other.report)
        if format != .json { try Console.print("") }
        try comparison.lines(format).forEach(Console.print)
        if comparison.isEmpty { throw SomaError("\(reference.path) and \(other.path) have no row in common") }
        guard let failBelow, case let failures = comparison.failures(below: failBelow), !failures.isEmpty else { return }
        let list = failures.map { "\($0.key.title) on \($0.key.device) (\($0.ratio.map { Quantity.fixed($0, 2) } ?? $0.verdict.words))" }
        throw SomaError("below \(failBelow) times the speed of \(reference.path): \(list.joined(separator: ", "))")
    }

    private func complain(of report: BenchReport) throws {
        guard let first = report.failures.first else { return }
        let count = "\(report.failures.count) of \(report.rows.count) rows have no value"
        throw SomaError("\(count); \(first.key.title) on \(first.device) \(first.reason ?? "")")
    }
}
