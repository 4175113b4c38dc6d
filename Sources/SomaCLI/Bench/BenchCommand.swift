import ArgumentParser
import Soma
import SomaZoo

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures how fast devices are, and how far from what they are capable of.",
        discussion: """
            A value is the median of at least five timed repetitions after a warm-up; the spread is the distance between \
            the quartiles over the median, and above 10 % says that the machine was not quiet. The first call, which may \
            compile, stands apart. "of limit" is the share of what this device was measured to be capable of, in arithmetic \
            or in the bandwidth of its memory, whichever bounds the workload; caches may give more than 100 %.

            With several devices the last column is the speed beside the baseline's, the first of them unless --baseline \
            names another. `--interleave` lets devices take turns at each repetition and compares them pair by pair.

            Workloads:
            \(WorkloadList.help)

              soma bench --list --workload 'infer_*'
              soma bench --device all
              soma bench --device cpu,opencl:0 --workload gemm_1024,train_mlp --interleave
              soma bench --workload 'infer_*' --batch 1,32,128 --format csv
              soma bench --save today.json --chart today.svg
              soma bench --show today.json --format md
              soma bench --compare yesterday.json today.json
              soma bench --compare yesterday.json --fail-below 0.9
            """)

    @Option(help: "Devices with commas between them, or `all`. (default: as `soma devices` marks it)")
    var device: String?

    @Option(
        help: "Workloads with commas between them; gemm_* takes all that begin so, `all` every one but the largest.")
    var workload = Self.everything

    @Flag(help: "List the workloads that would be measured, and measure nothing.")
    var list = false

    @Option(
        help: ArgumentHelp("Batches of the workloads named infer_…, with commas. (default: 1,32,128)", valueName: "sizes"),
        transform: Self.batches)
    var batch: [Int]?

    @Option(help: ArgumentHelp("Number formats, with commas; float32 is the one there is.", valueName: "names"))
    var precision = "float32"

    @Option(parsing: .unconditional, help: "Seconds of repetitions for each workload.")
    var budget = 2.5

    @Option(help: ArgumentHelp("The device to compare others with. (default: the first)", valueName: "device"))
    var baseline: String?

    @Flag(help: "Let the devices take turns, A B A B, and compare them pair by pair.")
    var interleave = false

    @Flag(inversion: .prefixedNo, help: "Measure first what each device is capable of.")
    var limits = true

    @Option(help: "How to print: text, md, csv or json, which is an object a line. (default: text)")
    var format: ReportFormat?

    @Flag(help: "Short for --format json.")
    var json = false

    @Option(help: ArgumentHelp("Keep the report, with every sample, in a file.", valueName: "file"))
    var save: String?

    @Option(help: ArgumentHelp("Print a saved report, and measure nothing; --chart draws it.", valueName: "file"))
    var show: String?

    @Option(help: ArgumentHelp("Draw bars and a roofline for each device.", valueName: "file.svg"))
    var chart: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Compare with a saved report; with several, measure nothing and compare the others with the first.", valueName: "file"))
    var compare: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("With --compare: end with status 1 where a row is slower than so many times as fast, beyond the spread, or missing.",
            valueName: "ratio"))
    var failBelow: Double?

    @OptionGroup var build: BuildChoice

    @Flag(help: ArgumentHelp("Make one training step of the MLP and end: what `startup` times.", visibility: .hidden))
    var firstStep = false

    func validate() throws {
        guard budget > 0, budget.isFinite else { throw ValidationError("--budget takes a positive number of seconds") }
        if let failBelow {
            guard failBelow > 0, failBelow.isFinite else { throw ValidationError("--fail-below takes a positive ratio, such as 0.9") }
            if compare.isEmpty { throw ValidationError("--fail-below needs --compare with the report that speeds are compared with") }
        }
        if json, let format, format != .json { throw ValidationError("--json and --format \(format.rawValue) exclude one another") }
        try validateCombination()
        if let save, save == chart { throw ValidationError("--save and --chart name the same file") }
        for name in precision.split(separator: ",", omittingEmptySubsequences: false) where name != "float32" {
            throw ValidationError("--precision \(name): float32 is the only precision that the engine computes in yet")
        }
    }

    /// What would do nothing is a mistake.
    private func validateCombination() throws {
        let measuring: [(String, Bool)] = [
            ("--device", device != nil), ("--workload", workload != Self.everything), ("--batch", batch != nil), ("--baseline", baseline != nil),
            ("--interleave", interleave), ("--save", save != nil), ("--no-limits", !limits),
        ]
        func refuse(_ options: [(String, Bool)], with option: String, _ reason: String) throws {
            if let first = options.first(where: \.1) { throw ValidationError("\(first.0) has no meaning with \(option), which \(reason)") }
        }
        if show != nil { try refuse(measuring + [("--list", list), ("--compare", !compare.isEmpty)], with: "--show", "measures nothing") }
        if list {
            let others = [("--chart", chart != nil), ("--compare", !compare.isEmpty)]
            try refuse(measuring.filter { !["--workload", "--batch", "--device"].contains($0.0) } + others, with: "--list", "measures nothing")
        }
        if compare.count > 1 { try refuse(measuring, with: "several files to --compare", "are compared and not measured") }
        if let save, compare.contains(save) { throw ValidationError("--save would replace \(save), which --compare compares with") }
    }

    private var output: ReportFormat { json ? .json : format ?? .text }

    func run() throws {
        if let show { return try BenchPrinter(format: output, chart: chart).show(BenchReport(path: show)) }
        let workloads = try WorkloadList.named(workload, batches: batch)
        if batch != nil && !workloads.contains(where: \.takesBatches) {
            throw UsageError("--batch is for workloads named infer_…, of which --workload names none")
        }
        if list { return try WorkloadList.lines(workloads, output).forEach(Console.print) }
        var printer = BenchPrinter(format: output, save: save, chart: chart, failBelow: failBelow)
        printer.references = try compare.map { ($0, try BenchReport(path: $0)) }
        try [save, chart].compactMap(\.self).forEach(OutputFile.check)
        if compare.count > 1 { return try printer.compare() }
        try build.check("bench")
        if firstStep { return try DeviceChoice.devices(device).forEach { try TrainingWorkload(mlpOn: $0).step() } }
        let devices = try contestants()
        if chart != nil && !limits && devices.count == 1 { throw UsageError("--chart has nothing to draw of one device with --no-limits") }
        let run = BenchRun(workloads: workloads, devices: devices, budget: budget, isInterleaved: interleave, measuresLimits: limits)
        printer.isAsked = { isAsked($0, of: run.devices) }
        try printer.run(run)
    }

    /// Whether the options ask for a row of a saved report too, which may be of a device or a workload that there is no more.
    private func isAsked(_ row: BenchRow.Key, of devices: [Device]) -> Bool {
        (device == "all" || devices.contains { "\($0)" == row.device }) && WorkloadList.isNamed(row, in: workload, batches: batch)
    }

    /// The devices, the baseline first.
    private func contestants() throws -> [Device] {
        let devices = try DeviceChoice.devices(device)
        if interleave && devices.count < 2 { throw UsageError("--interleave needs several devices, which take turns") }
        guard let baseline else { return devices }
        guard let place = devices.firstIndex(where: { "\($0)" == baseline }) else {
            throw UsageError(unknown: "device to be measured, for --baseline,", baseline, among: devices.map { "\($0)" })
        }
        return [devices[place]] + devices.indices.filter { $0 != place }.map { devices[$0] }
    }

    private static let everything = "all"

    private static func batches(_ list: String) throws -> [Int] {
        let sizes = list.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard sizes.allSatisfy({ (1...1 << 24).contains($0) }), Set(sizes).count == sizes.count else {
            throw ValidationError("--batch takes different whole numbers from 1 to 16777216 with commas between them")
        }
        return sizes
    }
}
