import ArgumentParser
import Soma
import SomaBackend
import SomaZoo

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Tells what the training steps of a recipe spend their time on.",
        discussion: """
            Trains for a few steps, then watches some more: how long each of the device's steps takes, how many launches \
            it is, the bytes it moves and the arithmetic it does, and which share that is of what the device was measured \
            to be capable of; then the kernels, and what the host did meanwhile. Nothing is written but the timeline, \
            which chrome://tracing and Perfetto open.

              soma profile digits
              soma profile lenet --data data/mnist --device opencl:0 --timeline lenet.json
              soma profile resnet20 --data flowers batch=32 --steps 3
            """)

    @OptionGroup var subject: RecipeSubject

    @Option(parsing: .unconditional, help: "Training steps to watch.")
    var steps = 10

    @Option(parsing: .unconditional, help: "Training steps before, of which the first compiles.")
    var warmUp = 5

    @Option(
        help: ArgumentHelp("Write the timeline here, as JSON in Chrome's trace event format.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var timeline: String?

    @Flag(help: "Print one object a line: the whole, each step, each kernel, each kind of call of the host.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(steps) else { throw ValidationError("--steps takes a whole number from 1 to 10000") }
        guard (1...10_000).contains(warmUp) else { throw ValidationError("--warm-up takes a whole number from 1 to 10000") }
        if timeline == "" { throw ValidationError("--timeline names no file") }
    }

    func run() throws {
        if let timeline { try OutputFile.check(timeline) }
        let plan = try subject.plan()
        let device = try DeviceChoice.device(plan.device)
        let limits = device.measured([.float32, .memoryRead, .memoryWrite, .memoryCopy])
        let profiler = try StepProfiler(device, warmUp: warmUp, count: steps)
        Interruption.watch()
        var context = RecipeContext(plan.recipe, device: profiler.device, seed: plan.seed)
        (context.settings, context.data) = (plan.settings, plan.data)
        context.isInterrupted = { Interruption.isPending || profiler.isDone }
        context.report = profiler.note
        _ = try plan.recipe.run(context)
        guard let profile = profiler.profile else {
            if Interruption.isPending { throw Interruption.exitCode }
            throw SomaError("\(plan.recipe.name) ended before \(warmUp + steps) training steps", hint: "ask for fewer --steps")
        }
        let report = ProfileReport(profile: profile, recipe: plan.recipe.name, device: "\(device)", limits: limits)
        try (json ? report.objects.map(\.description) : report.lines).forEach(Console.print)
        guard let timeline else { return }
        try AtomicFile.write(ChromeTrace.text(profile.timeline, device: "\(device)"), to: timeline)
        if !json { try Console.announce("wrote \(timeline)", to: timeline) }
    }
}

/// A recipe with its settings, data and device, as commands that look into its training take them.
struct RecipeSubject: ParsableArguments {
    @Argument(help: "A recipe, as soma train takes it.", completion: .list(Recipes.all.map(\.name)))
    var recipe: String

    @Argument(help: ArgumentHelp("Settings of the recipe.", valueName: "key=value"))
    var settings: [String] = []

    @Option(help: "The device, as soma devices names it.")
    var device: String?

    @Option(
        help: ArgumentHelp("The folder with the data, for recipes that need one. (default: data/mnist where it is there)", valueName: "folder"),
        completion: .directory)
    var data: String?

    @Option(parsing: .unconditional, help: "Decides initial weights and the order of samples.")
    var seed: UInt64 = 0

    /// - Throws: `UsageError` for what there is not.
    func plan() throws -> RunPlan { try RunPlan(RunRequest(words: [recipe] + settings, device: device, data: data, seed: seed)) }
}
