import Glibc
import Soma

/// Measures workloads and tells the results as they come.
struct BenchReport {
    let isJSON: Bool
    let budget: Double
    let workloads: [Workload]
    let devices: [Device]

    func run() throws {
        if !isJSON { try Console.print(Self.row("device", "workload", "median", "best", "metric", "spread")) }
        var failures = 0
        for device in devices {
            for workload in workloads {
                do {
                    device.forgetMemoryPeak()
                    try report(try workload.measure(device, budget), workload, device)
                } catch let error as BackendError {
                    // What one workload lacks, such as memory, says nothing about the next.
                    failures += 1
                    Console.complain("soma: \(workload.name) on \(device): \(error)")
                }
            }
        }
        if failures > 0 { throw SomaError("\(failures) of \(workloads.count * devices.count) workloads failed") }
    }

    private func report(_ measurement: Measurement, _ workload: Workload, _ device: Device) throws {
        let (median, best) = (workload.value(measurement.median), workload.value(measurement.best))
        if isJSON {
            try Console.print(json(measurement, workload, device).description)
        } else {
            try Console.print(
                Self.row(
                    "\(device)", workload.name, Quantity.significant(median), Quantity.significant(best),
                    workload.metric, Quantity.fixed(100 * measurement.spread, 0) + " %"))
        }
        if measurement.spread > Measurement.wideSpread {
            let spread = Quantity.fixed(100 * measurement.spread, 0)
            Console.complain(
                "soma: \(workload.name) on \(device) spreads over \(spread) % of its median; "
                    + "measure again when the machine is quiet")
        }
    }

    private func json(_ measurement: Measurement, _ workload: Workload, _ device: Device) -> JSON {
        [
            "device": .string("\(device)"), "workload": .string(workload.name), "metric": .string(workload.metric),
            "value": JSON(workload.value(measurement.median)), "repetitions": JSON(measurement.seconds.count),
            "spread": JSON(measurement.spread), "best": JSON(workload.value(measurement.best)),
            "first_call_s": JSON(measurement.firstCall), "capped": .bool(measurement.isCapped), "precision": "float32",
            "device_peak_bytes": JSON(device.memory.peak), "resident_peak_bytes": residentPeak,
        ]
    }

    /// The most memory that this process ever had, in bytes; null where it runs several workloads.
    private var residentPeak: JSON {
        var usage = rusage()
        guard workloads.count * devices.count == 1, getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0
        else { return .null }
        return JSON(usage.ru_maxrss * 1024)
    }

    private static func row(
        _ device: String, _ name: String, _ median: String, _ best: String, _ metric: String, _ spread: String
    ) -> String {
        let cells = [
            TextTable.padded(device, to: 10, .left), TextTable.padded(name, to: 20, .left),
            TextTable.padded(median, to: 9, .right), TextTable.padded(best, to: 9, .right),
            TextTable.padded(metric, to: 24, .left), TextTable.padded(spread, to: 6, .right),
        ]
        return cells.joined(separator: "  ")
    }
}
