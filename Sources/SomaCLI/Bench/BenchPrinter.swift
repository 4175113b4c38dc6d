import Soma

/// Runs benchmarks and tells the results as they come.
struct BenchPrinter {
    let format: ReportFormat
    /// Where the report is kept.
    var save: String?

    /// What bounds workloads.
    private static let limits: [Peak] = [.float32, .memoryRead, .memoryWrite, .memoryCopy]

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
            // An end before the last row leaves those that were measured.
            try save.map(report.save)
        }
        report.warnings.forEach(Console.complain)
        let failures = report.failures
        if let first = failures.first {
            throw SomaError("\(failures.count) of \(report.rows.count) rows have no value; \(first.key.title) on \(first.device) \(first.reason ?? "")")
        }
    }
}
