import Glibc
import Soma

/// Measures workloads on devices, one after the other or in turns.
struct BenchRun {
    let workloads: [Workload]
    /// The baseline first.
    let devices: [Device]
    let budget: Double
    /// Whether the devices take turns at each repetition, so that what disturbs one disturbs the other.
    var isInterleaved = false
    /// Whether the limits of the devices are measured too, before the rows and after them.
    var measuresLimits = true

    /// Completes `report` row by row and tells of each.
    func run(_ report: inout BenchReport, each: (BenchRow, BenchReport) throws -> Void) throws {
        for workload in workloads {
            for group in isInterleaved ? [devices] : devices.map({ [$0] }) {
                for row in rows(workload, group) {
                    report.rows.append(row)
                    try each(row, report)
                }
            }
        }
    }

    /// One workload on devices that take turns.
    private func rows(_ workload: Workload, _ devices: [Device]) -> [BenchRow] {
        var contenders = devices.map { Contender(workload, $0, budget, workload.prepare) }
        let (_, load) = HostLoad.during { Contender.takeTurns(&contenders) }
        return contenders.map { contender in
            var row = contender.row
            (row.load, row.residentPeakBytes) = (load, residentPeak)
            row.pairs = contenders.count > 1 ? row.measurement.flatMap { own in contenders[0].row.measurement.map(own.ratios) } : nil
            return row
        }
    }

    /// Nil where this process does more than one workload.
    private var residentPeak: Int? {
        var usage = rusage()
        guard workloads.count * devices.count == 1, !measuresLimits, getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
        return usage.ru_maxrss * 1024
    }
}

/// A workload on one device, with the samples it has so far.
private struct Contender {
    private let workload: Workload
    private let device: Device
    private let work: PreparedWork?
    private let stopwatch: Stopwatch?
    private var samples: [Double] = []
    private var failure: String?

    init(_ workload: Workload, _ device: Device, _ budget: Double, _ prepare: (Device) throws -> PreparedWork) {
        (self.workload, self.device) = (workload, device)
        device.forgetMemoryPeak()
        do {
            let work = try withDevice(device) { try prepare(device) }
            (stopwatch, self.work) = (try withDevice(device) { try Stopwatch(work, budget: budget) }, work)
        } catch {
            (stopwatch, work, failure) = (nil, nil, Self.reason(error))
        }
    }

    /// Takes samples of all that did not fail, A B A B.
    static func takeTurns(_ contenders: inout [Contender]) {
        let count = contenders.compactMap { $0.stopwatch?.sampleCount }.min() ?? 0
        for _ in 0..<count {
            for place in contenders.indices { contenders[place].takeSample() }
        }
    }

    private mutating func takeSample() {
        guard let stopwatch, failure == nil else { return }
        do { samples.append(try withDevice(device) { try stopwatch.sample() }) } catch { failure = Self.reason(error) }
    }

    var row: BenchRow {
        guard let stopwatch, failure == nil else { return BenchRow(workload, on: "\(device)", .failed(failure ?? "no sample was taken")) }
        var row = BenchRow(workload, on: "\(device)", .measured(stopwatch.measurement(samples)))
        row.work = workload.work ?? work?.work?()
        row.devicePeakBytes = device.memory.peak
        return row
    }

    /// What one workload lacks, such as memory, says nothing about the next.
    private static func reason(_ error: any Error) -> String {
        if case BackendError.outOfMemory(let requested, let available, _) = error {
            let wanted = requested > 0 ? "\(Quantity.bytes(requested)) asked for, " : ""
            return "does not fit: \(wanted)\(Quantity.bytes(available)) available"
        }
        return "failed: " + "\(error)".split(whereSeparator: \.isNewline).joined(separator: " | ")
    }
}
