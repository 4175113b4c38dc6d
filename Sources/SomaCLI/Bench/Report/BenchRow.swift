import Soma

/// What one workload came to on one device.
struct BenchRow: Hashable, Sendable {
    enum Outcome: Hashable, Sendable {
        case measured(Measurement)
        /// It could not run here, such as for want of memory.
        case failed(String)
        /// The engine that made a saved report had not what it takes.
        case lacks(String)
    }

    /// What tells one row from another.
    struct Key: Hashable, Sendable {
        var workload: String
        var batch: Int?
        var metric: String
        var precision = "float32"
        var device: String

        /// The workload with its batch.
        var title: String { workload + (batch.map { " ×\($0)" } ?? "") }
    }

    var workload: String
    var batch: Int?
    var metric: Metric
    var precision = "float32"
    var device: String
    var work: Work?
    var outcome: Outcome
    /// While it ran.
    var load: HostLoad?
    /// The most bytes that the device held meanwhile.
    var devicePeakBytes: Int?
    /// The most memory that the process ever had, in bytes; only where it did nothing else, and measured no limits either.
    var residentPeakBytes: Int?
    /// Where repetitions took turns with those on the baseline: how many times as fast this device was, pair by pair.
    var pairs: [Double]?

    init(_ workload: Workload, on device: String, _ outcome: Outcome) {
        (self.workload, batch, metric, work) = (workload.name, workload.batch, workload.metric, workload.work)
        (self.device, self.outcome) = (device, outcome)
    }

    var key: Key { Key(workload: workload, batch: batch, metric: metric.name, precision: precision, device: device) }

    var measurement: Measurement? {
        guard case .measured(let measurement) = outcome else { return nil }
        return measurement
    }

    /// Why there is no value, if there is none.
    var reason: String? {
        switch outcome {
        case .measured: nil
        case .failed(let reason): reason
        case .lacks(let what): "not measured: the engine has no \(what) yet"
        }
    }
}

/// A device of a report.
struct BenchDevice: Hashable, Sendable {
    var name: String
    var model: String
    var driver: String
    var units: Int
    /// How steps are computed for which that was chosen by measuring, by class.
    var choices: [String: String]
    var peaks = DevicePeaks()

    init(_ description: DeviceDescription, choices: [String: String] = [:]) {
        (name, model, driver, units) = (description.name, description.model, description.driver, description.computeUnits)
        self.choices = choices
    }
}
