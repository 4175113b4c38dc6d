import ArgumentParser
import Glibc
import Soma

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Finds out how an OpenCL device computes products, convolutions, reductions and maps fastest.",
        discussion: """
            The steps of the chosen workloads are sorted into classes. For each, every candidate, such as a tile of a \
            matrix product, is built, its result compared with a reference, and timed; those that seem fastest are timed \
            again in turns with what ships, and one that is ahead by more than noise is kept. Candidates run in another \
            process: one that hangs is ended with it and struck.

            The choices are kept in a file for the device and its driver (soma devices names it), which every later run \
            reads; none tunes by itself. A run keeps its choices in its folder and goes on with them. Control-C ends the \
            search and keeps what was found.

            Measure on a quiet machine. Workloads are those of soma bench.

              soma tune --device opencl:0
              soma tune --device opencl:0 --workload gemm_1024,conv3x3_fwd --minutes 2
              soma tune --workload 'train_*' --json
            """)

    @Option(help: "The device. (default: as `soma devices` marks it)")
    var device: String?

    @Option(help: "Workloads with commas between them; gemm_* takes all that begin so, `all` every one but the largest.")
    var workload = "all"

    @Option(parsing: .unconditional, help: "How long to search at most.")
    var minutes = 5.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long a candidate may take, building included, before it is struck.", valueName: "seconds"))
    var limit = 30.0

    @Flag(help: "Print one object a line; the last is the result.")
    var json = false

    @OptionGroup var build: BuildChoice

    @Flag(help: ArgumentHelp("Measure what standard input asks for.", visibility: .hidden))
    var worker = false

    func validate() throws {
        guard minutes > 0, minutes < 1e5 else { throw ValidationError("--minutes takes a positive number") }
        guard limit > 0, limit < 1e5 else { throw ValidationError("--limit takes a positive number of seconds") }
    }

    func run() throws {
        let workloads = try WorkloadList.named(workload)
        try build.check("tune")
        let device = try DeviceChoice.device(device)
        let tasks = try Self.tasks(of: workloads, on: device)
        if worker {
            var worker = TuneWorker(device: device, reference: try Device.named("cpu"), tasks: tasks)
            return try worker.run()
        }
        try device.checkKeepingTuning()
        guard !tasks.isEmpty else { throw SomaError("the workloads have no steps that can be tuned on \(device)") }
        Interruption.watch()
        // A worker may end while it is spoken to.
        signal(SIGPIPE, SIG_IGN)
        let report = TuneReport(isJSON: json, total: tasks.count)
        try report.begin(device, workloads, minutes: minutes)
        let measurer = WorkerMeasurer(limit: limit) { try Self.startWorker(device, workload) }
        var run = TuneRun(
            tasks: tasks.map { ($0.name, $0.candidates) }, search: TuneSearch(measurer: measurer), choices: device.tuning?.choices ?? [:],
            report: report, keep: device.keepTuning)
        try run.run(seconds: minutes * 60)
    }

    private static func startWorker(_ device: Device, _ workload: String) throws -> WorkerProcess {
        // Programs of candidates are not worth keeping, nor are choices of before of interest.
        try WorkerProcess(
            "/proc/self/exe", ["soma", "tune", "--worker", "--allow-debug", "--device", "\(device)", "--workload", workload],
            environment: ["SOMA_CACHE": "", "SOMA_TUNING": ""])
    }

    /// What the steps of workloads leave to choose.
    private static func tasks(of workloads: [Workload], on device: Device) throws -> [TuningTask] {
        try device.tuningTasks(of: workloads.compactMap { workload in
            // `startup` measures a process of its own.
            guard case .runs(let prepare) = workload.body, workload.name != "startup" else { return nil }
            return { recorder in
                let work = try prepare(recorder)
                return {
                    try work.call()
                    try work.finish()
                }
            }
        })
    }
}
