import ArgumentParser
import Soma
import SomaZoo

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a recipe: a model, its data, and a way of training that suits them.",
        discussion: """
            Recipes, in historical order (soma train RECIPE --help tells more and lists the settings):
            \(RecipeHelp.list)

            The run folder gets config.json, metrics.csv, curves.svg, and the checkpoints last.safetensors, from which \
            --resume goes on, and best.safetensors, the weights that did best on the held-out data. A run that was \
            there before is moved aside, not replaced.

            Control-C, SIGTERM, SIGHUP, SIGQUIT, and SIGXCPU or SIGUSR1, which batch systems send before the time is over, write \
            a checkpoint and end the run with status 130, and so does an output that cannot be written any more; a second \
            Control-C, SIGTERM or SIGQUIT ends the run at once. A signal that was ignored at the start stays ignored. \
            --resume with another --output takes the best weights and the metrics along.
            \(RecipeHelp.exceptions)

              soma train digits
              soma train digits --device opencl:0 --epochs 20 --seed 1
              soma train mnist-mlp --data data/mnist hidden=512,256 batch=128 lr=1e-3
              soma train alexnet --data flowers --epochs 90
              soma train digits --resume
            """)

    @Argument(help: "What to train.", completion: .list(Recipes.all.map(\.name)))
    var recipe: String?

    @Argument(help: ArgumentHelp("Settings of the recipe; --key value, where the recipe is named, means the same.", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Option(help: ArgumentHelp(
        "The folder or file with the data, for recipes that take one. (default: data/mnist where it is there)",
        valueName: "path"))
    var data: String?

    @Option(
        parsing: .unconditional,
        help: "Passes over the data; a run that is resumed may get another number of them. (default: the recipe's)",
        transform: { try whole($0, in: Recipes.epochs) })
    var epochs: Int?

    @Option(
        parsing: .unconditional,
        help: "Decides initial weights, the order of samples and every other random number. (default: 0)",
        transform: { try whole($0, in: 0...UInt64.max) })
    var seed: UInt64?

    @Option(help: ArgumentHelp("The run folder. (default: runs/RECIPE)", valueName: "folder"))
    var output: String?

    @Flag(help: """
        Go on where the run in the run folder, or in the folder or checkpoint named behind this flag, was interrupted: \
        bit by bit as it would have gone on, on the same device.
        """)
    var resume = false

    @Flag(help: "Print one object a line on standard output; the last is the result.")
    var json = false

    @Flag(help: "Tell of the memory that a step takes, every reading of the loss and every checkpoint.")
    var verbose = false

    @Option(
        help: ArgumentHelp("The most memory to use on the device, such as 512M or 4G.", valueName: "bytes"),
        transform: {
            if let count = ByteCount($0) { return count }
            throw ValidationError("expected is a number of bytes, such as 512M or 4G")
        })
    var memory: ByteCount?

    @Option(help: ArgumentHelp(
        "First compute the loss and gradients of a minibatch there too, and stop at the first node that differs.",
        valueName: "device"))
    var checkAgainst: String?

    @Option(
        help: ArgumentHelp(
            """
            Watch some steps once the run is warm, write here what the device did when, and tell at the end what the steps spent their time on, \
            as soma profile does.
            """, valueName: "file"),
        completion: .file(extensions: ["json"]))
    var profile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds from one line of progress to the next, where standard output is no terminal.",
            valueName: "seconds"))
    var interval = 5.0

    func validate() throws {
        if profile == "" { throw ValidationError("--profile names no file") }
        if output == "" { throw ValidationError("--output names no folder") }
        guard interval >= 0 else { throw ValidationError("--interval takes a number of seconds from 0 on") }
    }

    func run() throws {
        let plan = try RunPlan(request)
        let report: any RunReport = json ? JSONReport() : TextReport(interval: interval, isVerbose: verbose)
        try TrainRun(plan, report).run()
    }

    private var request: RunRequest {
        RunRequest(
            words: (recipe.map { [$0] } ?? []) + settings,
            device: device, data: data, epochs: epochs, seed: seed,
            output: output, resumes: resume, memory: memory?.count, reference: checkAgainst, profile: profile)
    }

    /// - Throws: `ValidationError` that says what is expected.
    private static func whole<Number: FixedWidthInteger>(
        _ text: String, in range: ClosedRange<Number>
    ) throws -> Number {
        guard let number = Number(text), range.contains(number) else {
            throw ValidationError("expected is a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// A number of bytes as people write it: `4G`, `512MiB`, `1000000`. The letters stand for powers of 1024.
struct ByteCount: Hashable {
    let count: Int

    init?(_ text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        var unit = text.dropFirst(digits.count).trimmingPrefix(" ").uppercased()
        for ending in ["IB", "B"] where unit.hasSuffix(ending) {
            unit.removeLast(ending.count)
            break
        }
        guard let number = Double(digits), let power = ["", "K", "M", "G", "T"].firstIndex(of: unit) else { return nil }
        let bytes = number * Double(1 << (10 * power))
        guard bytes >= 1, bytes < 1e18 else { return nil }
        count = Int(bytes)
    }
}
