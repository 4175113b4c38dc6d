import Soma

/// What a run of benchmarks found.
struct BenchReport: Hashable, Sendable {
    var environment = BenchEnvironment()
    var devices: [BenchDevice] = []
    /// The device to which others are compared.
    var baseline: String?
    var rows: [BenchRow] = []
    /// Whether all rows are there that were asked for.
    var isComplete = true

    /// The same, with rows still to come.
    var partial: BenchReport {
        var report = self
        report.isComplete = false
        return report
    }

    /// How near a row came to what its device was measured to be capable of, and which resource bounds it.
    func limit(of row: BenchRow) -> (share: Double, resource: DevicePeaks.Resource)? {
        guard let work = row.work, let measurement = row.measurement, let device = devices.first(where: { $0.name == row.device }),
            let floor = device.peaks.floor(of: work)
        else { return nil }
        return (floor.seconds / measurement.median, floor.resource)
    }

    /// Whether a row came to more than there is, with an algorithm that saves no operations: what was measured too low is the limit.
    func isLimitDoubtful(of row: BenchRow) -> Bool {
        guard let limit = limit(of: row), limit.resource == .arithmetic else { return false }
        return row.workload.hasPrefix("gemm_") && limit.share > 1.05
    }

    /// Takes into account what the devices were measured to be capable of once more, in their order.
    /// - Returns: a line for each that then did much better than before.
    mutating func improveLimits(with peaks: [DevicePeaks]) -> [String] {
        devices.indices.compactMap { place in
            let gain = devices[place].peaks.improve(with: peaks[place])
            guard gain > 1.05 else { return nil }
            let times = "\(Quantity.fixed(100 * (gain - 1), 0)) %"
            return "soma: a limit of \(devices[place].name) was measured \(times) higher after the rows than before them: shares above may be too high by that"
        }
    }

    /// How many times as fast as the baseline a row's device was: from the medians, or the pairs of repetitions that took turns.
    func ratio(of row: BenchRow) -> Double? {
        if let pairs = row.pairs { return Measurement(samples: pairs).median }
        guard let baseline, let measurement = row.measurement else { return nil }
        var key = row.key
        key.device = baseline
        return rows.first { $0.key == key }?.measurement.map { $0.median / measurement.median }
    }

    /// Rows that could not run.
    var failures: [BenchRow] { rows.filter { if case .failed = $0.outcome { true } else { false } } }

    /// What makes the figures worth less: a line each.
    var warnings: [String] {
        let wide = rows.filter { $0.measurement?.isWide == true }.map { row in
            "\(row.key.title) on \(row.device) (\(Quantity.fixed(100 * (row.measurement?.spread ?? 0), 0)) %)"
        }
        let limit = Quantity.fixed(100 * Measurement.wideSpread, 0)
        let names = wide.prefix(4).joined(separator: ", ") + (wide.count > 4 ? " and \(wide.count - 4) more" : "")
        let spread = wide.isEmpty ? [] : [
            "soma: the quartiles lie more than \(limit) % of the median apart for \(names); measure again when the machine is quiet",
        ]
        let beyond = rows.filter(isLimitDoubtful).map { "\($0.key.title) on \($0.device)" }
        let doubt = beyond.isEmpty ? [] : [
            "soma: faster than the arithmetic that was measured: \(beyond.joined(separator: ", ")); the limit was measured too low, measure again",
        ]
        let end = isComplete ? [] : ["soma: the run ended early: rows that it was asked for are missing"]
        return end + (environment.warning.map { [$0] } ?? []) + spread + doubt
    }
}
