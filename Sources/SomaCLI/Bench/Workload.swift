import Soma
import SomaZoo

/// Something to measure a device by.
struct Workload: Sendable {
    let name: String
    /// The unit of the value.
    let metric: String
    let summary: String
    /// From seconds of one call to the value.
    let value: @Sendable (_ seconds: Double) -> Double
    let measure: @Sendable (_ device: Device, _ budget: Double) throws -> Measurement

    /// A workload whose data `prepare` makes; what it returns is timed and waits until the device is done.
    init(
        _ name: String, _ metric: String, _ summary: String, value: @escaping @Sendable (Double) -> Double,
        prepare: @escaping @Sendable (Device) throws -> () throws -> Void
    ) {
        self.init(name, metric, summary, value: value) { device, budget in
            try Measurement.of(try withDevice(device) { try prepare(device) }, budget: budget)
        }
    }

    init(
        _ name: String, _ metric: String, _ summary: String, value: @escaping @Sendable (Double) -> Double,
        measure: @escaping @Sendable (Device, Double) throws -> Measurement
    ) {
        (self.name, self.metric, self.summary, self.value, self.measure) = (name, metric, summary, value, measure)
    }
}

/// All workloads, by name.
enum WorkloadList {
    static let all: [Workload] =
        [256, 512, 1024, 2048, 4096].map(Workload.gemm) + [
            .conv3x3Forward, .conv3x3InputGradient, .conv3x3FilterGradient, .conv7x7Forward, .depthwiseForward, .chain, .sum, .copy, .softmax,
            .layerNorm, .trainMLP, .trainLeNet, .trainResNet20, .trainResNet18, .tinyAddsLazy, .tinyAddsEach, .startup,
        ]
    /// What takes long and only a GPU is for.
    private static let large: Set = ["gemm_4096", "train_resnet18"]

    /// One line for each.
    static var help: String { all.map { "  \($0.name): \($0.summary), \($0.metric)" }.joined(separator: "\n") }

    /// The workloads of a list with commas; `gemm_*` stands for all that begin so, `all` for every one but those that only a GPU is for.
    /// - Throws: `UsageError` for a name that there is not.
    static func named(_ list: String) throws -> [Workload] {
        if list == "all" { return all.filter { !large.contains($0.name) } }
        var names = all.map(\.name)
        names = names.indices.filter { names.firstIndex(of: names[$0]) == $0 }.map { names[$0] }
        var chosen: Set<String> = []
        for pattern in list.split(separator: ",").map(String.init) {
            let matches = names.filter { pattern.hasSuffix("*") ? $0.hasPrefix(pattern.dropLast()) : $0 == pattern }
            if matches.isEmpty { throw UsageError(unknown: "workload", pattern, among: names) }
            chosen.formUnion(matches)
        }
        if chosen.isEmpty { throw UsageError("--workload names none; there are \(names.joined(separator: ", "))") }
        return all.filter { chosen.contains($0.name) }
    }
}
