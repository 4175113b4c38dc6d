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
            again in turns with the present choice, and one that is ahead by more than noise is kept. Candidates run in another \
            process: one that hangs is ended with it and struck.

            The choices are kept in a file for the device and its driver (soma devices names it), which every later run \
            reads; none tunes by itself. A run keeps its choices in its folder and goes on with them. Control-C, or the end \
            of the minutes, ends the search: what seems fastest by then is timed in turns yet, and kept where it wins. Control-C \
            again ends at once, and loses that.

            Measure on a quiet machine.

            \(Prose.wrapped("Workloads of soma bench: \(TuneSubject.workloads.joined(separator: ", "))", indents: (0, 2)))
            \(Prose.wrapped("Recipes, of which a training step is taken as soma train makes it: \(TuneSubject.recipes.joined(separator: ", "))", indents: (0, 2)))

              soma tune --device opencl:0
              soma tune --device opencl:0 --workload gemm_1024,conv3x3_fwd --minutes 2
              soma tune --workload resnet20,'infer_*' --json
              soma tune --workload lenet --data data/mnist
            """)

    @Option(help: "The device. (default: as `soma devices` marks it)")
    var device: String?

    @Option(
        help: ArgumentHelp(
            "Workloads and recipes with commas between them; gemm_* takes all that begin so, `all` every workload but the largest.",
            valueName: "names"))
    var workload = "all"

    @Option(
        help: ArgumentHelp("The folder with the data, for recipes that need one. (default: data/mnist where it is there)", valueName: "folder"),
        completion: .directory)
    var data: String?

    @Option(parsing: .unconditional, help: "How long to search.")
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
        guard minutes > 0, minutes < 1e5 else { throw ValidationError("--minutes takes a positive number, less than 100000") }
        guard limit > 0, limit < 1e5 else { throw ValidationError("--limit takes a positive number of seconds, less than 100000") }
    }

    func run() throws {
        if worker { return try work() }
        let subjects = try TuneSubject.named(workload, data: data)
        try build.check("tune")
        let device = try DeviceChoice.device(device)
        let plan = try device.tuningPlan(of: subjects.map(\.prepare))
        try device.checkKeepingTuning()
        guard !plan.tasks.isEmpty else { throw SomaError("the workloads have no steps that can be tuned on \(device)") }
        Interruption.watch()
        // A worker may end while it is spoken to.
        signal(SIGPIPE, SIG_IGN)
        let report = TuneReport(isJSON: json, total: plan.tasks.count)
        try report.begin(device, subjects.map(\.name), smallCount: plan.smallCount, minutes: minutes)
        let measurer = WorkerMeasurer(limit: limit) { try startWorker(device) }
        var run = TuneRun(
            tasks: plan.tasks.map { ($0.name, $0.candidates) }, search: TuneSearch(measurer: measurer), choices: device.tuning?.choices ?? [:],
            report: report, keep: device.keepTuning)
        if case .ignored? = Device.tuningState(of: "\(device)") { run.hasUnusableFile = true }
        try run.run(seconds: minutes * 60)
    }

    private func startWorker(_ device: Device) throws -> WorkerProcess {
        let words = ["soma", "tune", "--worker", "--device", "\(device)", "--workload", workload]
        // Programs of candidates are not worth keeping, nor are choices of before of interest.
        return try WorkerProcess(
            "/proc/self/exe", words + (data.map { ["--data", $0] } ?? []), environment: ["SOMA_CACHE": "", "SOMA_TUNING": ""])
    }

    private func work() throws {
        let answers = TuneWorker.divertOutput()
        let device = try DeviceChoice.device(device)
        let tasks = try device.tuningPlan(of: try TuneSubject.named(workload, data: data).map(\.prepare)).tasks
        var worker = TuneWorker(device: device, reference: try Device.named("cpu"), tasks: tasks, answers: answers)
        try worker.run()
    }
}
