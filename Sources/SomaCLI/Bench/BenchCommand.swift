import ArgumentParser
import Soma

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Show how fast a device is.",
        discussion: """
            Each workload runs until it is warm and then 5 to 25 times; the value is that of the median. The spread is the range of the middle
            half of the repetitions over the median: with more than 0.1 the machine was too busy for the figure to mean much.

            Workloads:
            \(Workload.all.map { "  \($0.name): \($0.summary), \($0.metric)" }.joined(separator: "\n"))
            """)

    @Option(help: "Devices by name, separated by commas, or `all`; see `soma devices`.") var device: String?
    @Option(help: "Workloads by name, separated by commas; `gemm_*` takes all that begin so, `all` every one but the largest.")
    var workload = "all"
    @Option(help: "Seconds for each workload.") var budget = 2.5
    @Flag(help: "Print one JSON object a line.") var json = false
    @Flag(help: .hidden) var firstStep = false

    func run() throws {
        if firstStep { return try withDevice(try Device.named(device ?? "cpu")) { try Workload.firstStep() } }
        guard !isDebugBuild else { throw SomaError("a debug build measures nothing", hint: "build with `swift build -c release`") }
        let workloads = try Workload.named(workload)
        for device in try devices() {
            for workload in workloads { try report(workload, on: device) }
        }
    }

    private func devices() throws -> [Device] {
        guard let device else { return [.default] }
        let names = device == "all" ? Device.all().map(\.name) : device.split(separator: ",").map(String.init)
        return try names.map(Device.named)
    }

    private func report(_ workload: Workload, on device: Device) throws {
        let timing = try withDevice(device) {
            let run = try workload.prepare()
            return try Timing.measure(budget: budget, run)
        }
        let (value, best) = (workload.value(timing.median), workload.value(timing.best))
        if json {
            let line: JSON = [
                "device": JSON(device.description), "workload": JSON(workload.name), "metric": JSON(workload.metric), "value": JSON(rounded(value)),
                "best": JSON(rounded(best)), "repetitions": JSON(timing.seconds.count), "spread": JSON(rounded(timing.spread)),
                "first_call_s": JSON(rounded(timing.first)), "precision": "float32",
            ]
            print(line.description)
        } else {
            let warning = timing.spread > 0.1 ? "  (unsteady: spread \(rounded(timing.spread)))" : ""
            print("\(device)  \(workload.name)  \(rounded(value)) \(workload.metric)  best \(rounded(best))\(warning)")
        }
    }

    private func rounded(_ value: Double) -> Double { (value * 10000).rounded() / 10000 }

    private var isDebugBuild: Bool {
        var isDebug = false
        assert({ isDebug = true; return true }())
        return isDebug
    }
}
