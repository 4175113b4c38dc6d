import ArgumentParser
import Soma
import SomaBackend
import SomaZoo

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Tells what the training steps of a recipe spend their time on.",
        discussion: """
            Lets a few training steps pass, then watches some: what the time on the clock went to; how long each of the \
            device's steps takes, how many launches it is, the bytes it moves and the arithmetic it does, and which share \
            that is of what the device was measured to be capable of; then the kernels, and what the host did meanwhile. \
            The same steps are made unwatched in turn with that, in some rounds, of which the median is told, with the quartiles, \
            and what watching costs. \
            Nothing is written but the timeline, which chrome://tracing and Perfetto open. Control-C ends the watch and tells of \
            the steps that there were.

              soma profile digits
              soma profile lenet --data data/mnist --device opencl:0 --timeline lenet.json
              soma profile resnet20 --data flowers batch=32 --steps 3
            """)

    @OptionGroup var subject: RecipeSubject

    @Option(
        parsing: .unconditional,
        help: "Training steps to watch. (default: 10, or as many more as a tenth of a second takes, 1000 at most)", transform: Self.count)
    var steps: Int?

    @Option(
        parsing: .unconditional,
        help: "Training steps before, of which the first compiles. (default: 5, or as many more as a quarter of a second takes, 1000 at most)",
        transform: Self.count)
    var warmUp: Int?

    @Option(
        help: ArgumentHelp("Write the timeline here, as JSON in Chrome's trace event format.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var timeline: String?

    @Flag(inversion: .prefixedNo, help: "Measure first what the device is capable of.")
    var limits = true

    @Flag(help: "Print one object a line: the whole, each part of the time, each step, each kernel, each kind of call of the host.")
    var json = false

    private static func count(_ text: String) throws -> Int {
        guard let count = Int(text), (1...10_000).contains(count) else { throw ValidationError("expected is a whole number from 1 to 10000") }
        return count
    }

    func validate() throws {
        if timeline == "" { throw ValidationError("--timeline names no file") }
    }

    func run() throws {
        if let timeline { try OutputFile.check(timeline) }
        let plan = try subject.plan()
        let device = try DeviceChoice.device(plan.device)
        Interruption.watch()
        let limits = limits ? device.measured(ProfileReport.limits) : nil
        let rounds = try ProfileRounds(
            plan, on: device, warmUp: warmUp.map { StepSpan($0) } ?? .warmUp, watch: steps.map { StepSpan($0) } ?? .watch)
        guard let profile = rounds.median else {
            Console.complain("soma: interrupted before a step was watched")
            throw Interruption.exitCode
        }
        try tell(ProfileReport(profile: profile, recipe: plan.recipe.name, device: "\(device)", limits: limits, cost: rounds.cost))
        if Interruption.isPending { throw Interruption.exitCode }
    }

    /// The file comes first: who reads the report may leave, which ends the program.
    private func tell(_ report: ProfileReport) throws {
        var attempts = Attempts()
        attempts.attempt {
            guard let timeline else { return }
            try AtomicFile.write(ChromeTrace(report.profile.timeline, device: report.device).text, to: timeline)
            if !json { try Console.announce("wrote \(timeline)", to: timeline) }
        }
        attempts.attempt { try report.texts(asJSON: json).forEach(Console.print) }
        try attempts.finish()
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

    /// - Throws: `UsageError` for what there is not, and where there are no steps to look into.
    func plan() throws -> RunPlan {
        let plan = try RunPlan(RunRequest(words: [recipe] + settings, device: device, data: data, seed: seed))
        guard plan.recipe.trainsInSteps(by: plan.settings) else {
            throw UsageError("\(plan.recipe.name) fits its model at once with these settings: there are no steps to look into")
        }
        return plan
    }
}
