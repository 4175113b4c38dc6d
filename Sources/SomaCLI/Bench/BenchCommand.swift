import ArgumentParser
import Soma

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast devices are.",
        discussion: """
            Values are medians of at least five timed repetitions after a warm-up, in float32; the spread is the distance \
            between the quartiles over the median. Measure on a quiet machine: a spread above a fifth means little.

            Workloads:
            \(WorkloadList.help)

              soma bench --device all
              soma bench --device cpu,opencl:0 --workload gemm_1024,train_mlp --json
              soma bench --workload 'gemm_*'
            """)

    @Option(help: "Devices with commas between them, or `all`. (default: as `soma devices` marks it)")
    var device: String?

    @Option(
        help: "Workloads with commas between them; gemm_* takes all that begin so, `all` every one but the largest.")
    var workload = "all"

    @Option(parsing: .unconditional, help: "Seconds of repetitions for each workload.")
    var budget = 2.5

    @Flag(help: "Print one object a line.")
    var json = false

    @Flag(help: ArgumentHelp("Make one training step of the MLP and end: what `startup` times.", visibility: .hidden))
    var firstStep = false

    func validate() throws {
        guard budget > 0, budget.isFinite else { throw ValidationError("--budget takes a positive number of seconds") }
    }

    func run() throws {
        let workloads = try WorkloadList.named(workload)
        try Self.requireOptimisedBuild()
        let devices = try DeviceChoice.devices(device)
        if firstStep { return try devices.forEach { try TrainingWorkload(mlpOn: $0).step() } }
        try BenchReport(isJSON: json, budget: budget, workloads: workloads, devices: devices).run()
    }

    private static func requireOptimisedBuild() throws {
        #if DEBUG
        throw SomaError("bench refuses to measure a debug build", hint: "build with `swift build -c release`")
        #endif
    }
}
