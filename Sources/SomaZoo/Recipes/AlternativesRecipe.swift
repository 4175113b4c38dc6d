import Soma

/// Networks and what they were compared with, on the same samples and on growing shares of them: how well, how fast, and with how much memory.
public struct AlternativesRecipe: Recipe {
    public let name = "alternatives"
    public let summary = "who won when: networks, support vectors, trees and neighbours learn from growing shares of the same data"
    public let discussion = """
        From 1995 to 2010 most of the field held support vector machines and trees for better than neural networks. Here both learn from 1, 3, 10, \
        30 and 100 % of the same samples, digits and tables, and tell the same samples that were held out. Measured are the accuracy (of a number \
        R²), the time of training, the time of telling all samples held out, the size of the trained model, and the most memory that training took: \
        of a network the buffers of its device, of the others by how much the memory of the process rose. The smaller share is a part of the \
        larger, with as much of each class. Networks see pictures as they are, unmoved, and are trained on the device of the run, the others on the \
        processor. LeNet reads pictures only: of embedded digits, enlarged ones. Without --data networks have 40 epochs.

        results.csv in the run folder has all figures; DATA.svg and DATA-time.svg show them. The same seed gives the same figures but for times and \
        peaks of memory. A run that was interrupted keeps the models it has trained and goes on with the one it was at. \
        soma cross-validate alternatives holds out each embedded digit and each row of a table once, and tells how well each model does with its \
        largest share.

          soma train alternatives
          soma train alternatives --data data/mnist shares=0.01,0.03,0.1 tables=none
          soma train alternatives digits=no tables=credit.csv:risk,homes.csv:price models=mlp,svm,boosted
          soma cross-validate alternatives models=svm,forest shares=1 tables=none
        """
    public var settings: [any AnySetting] { Self.allSettings }
    public let data = FlatDigits.need
    public let defaultEpochs = 20
    public let takesFolds = true

    /// Settings and data come with the context of each run.
    public init() {}

    public func trainsInSteps(by settings: Settings) -> Bool { settings[Self.models].contains(where: \.isNetwork) }

    /// The context with networks that suit the few embedded digits or those of a folder, where nobody has chosen.
    /// - Throws: `UsageError` where nothing is to be learnt, or a setting has no meaning for the data.
    public func fitted(_ context: RecipeContext) throws -> RecipeContext {
        var fitted = context.fittedToFewDigits(batch: Self.batch, epochs: 40)
        let settings = context.settings
        guard settings[Self.digits] || !settings[Self.tables].isEmpty else { throw UsageError("digits=no tables=none leave nothing to learn") }
        if let data = context.data, !settings[Self.digits] { throw UsageError("--data \(data): digits=no reads no digits") }
        if !settings.isChosen(Self.hidden) && context.data != nil { fitted.settings.choose(Self.hidden, [512, 256]) }
        return fitted
    }

    @discardableResult
    public func run(_ context: RecipeContext) throws -> RecipeResult {
        let clock = ContinuousClock.now
        let context = try fitted(context)
        let problems = try problems(context)
        var result = RecipeResult()
        let report = AlternativesReport(problems: problems, trials: try trials(context, problems, &result))
        (result.measures, result.epochs) = (report.measures, context.epochs)
        result.seconds = (.now - clock) / .seconds(1)
        if result.isInterrupted { return result }
        // Otherwise the table says it.
        if context.fold != nil { result.test = report.test }
        for event in try report.events(in: context.output) { try context.report(event) }
        return result
    }

    /// What is to be learnt, once it is known that every model can learn something of every share of it.
    private func problems(_ context: RecipeContext) throws -> [AlternativesProblem] {
        let settings = context.settings
        if context.fold != nil && settings.isChosen(Self.heldOut) {
            throw UsageError("held-out= says nothing here: each fold holds out its own rows")
        }
        let problems = try (settings[Self.digits] ? [AlternativesProblem.digits(context, recipe: name)] : [])
            + settings[Self.tables].map { try AlternativesProblem.table($0, context) }
        let names = problems.map(\.name)
        if let twice = names.first(where: { name in names.count { $0.isExactly(name) } > 1 }) {
            throw UsageError("two sets of data are called \(twice), so that their figures could not be told apart: rename a file")
        }
        let charts = problems.map(\.timeChartName)
        if let taken = names.first(where: { name in charts.contains { $0.isExactly(name) } }) {
            throw UsageError("\(taken).svg would be the chart of \(taken) and that of another's times: rename a file")
        }
        let models = settings[Self.models]
        for problem in problems {
            guard models.contains(where: { $0.suits(problem) }) else {
                throw UsageError("models=\(models.settingText): none of them learns what \(problem.name) asks for")
            }
            if settings[TableRecipe.penalty] == 0, models.contains(.linear), !problem.classNames.isEmpty {
                throw UsageError("penalty=0 is for numbers: coefficients that part the classes of \(problem.name) without an error grow without end")
            }
            for share in settings[Self.shares].sorted() { try problem.check(share, models, neighbours: settings[Self.neighbours]) }
        }
        return problems
    }

    private func units(_ context: RecipeContext, _ problem: AlternativesProblem) -> [AlternativeTrial.Unit] {
        let shares = context.settings[Self.shares].sorted()
        return context.settings[Self.models].filter { $0.suits(problem) }.flatMap { model in
            shares.map { AlternativeTrial.Unit(problem: problem.name, model: model, share: $0) }
        }
    }

    /// All trials, those that the checkpoint has and new ones; fewer where the run is interrupted.
    private func trials(_ context: RecipeContext, _ problems: [AlternativesProblem], _ result: inout RecipeResult) throws -> [AlternativeTrial] {
        let archive = try context.checkpoint.map { try AlternativesArchive($0, epochs: context.epochs) }
        result.checkpoint = context.checkpoint?.path
        let count = problems.reduce(0) { $0 + units(context, $1).count }
        var trials: [AlternativeTrial] = []
        for problem in problems {
            for unit in units(context, problem) {
                let known = try archive?.trial(unit)
                guard let trial = try known ?? trial(unit, problem, context) else {
                    result.isInterrupted = true
                    try context.report(.interrupted("at \(unit.title)"))
                    return trials
                }
                trials.append(trial)
                try context.report(.message("\(trials.count) of \(count): \(Self.line(trial, problem))"))
                if known == nil { result.checkpoint = try save(trials, problems, context) }
            }
        }
        return trials
    }

    /// nil where the run is interrupted.
    private func trial(_ unit: AlternativeTrial.Unit, _ problem: AlternativesProblem, _ context: RecipeContext) throws -> AlternativeTrial? {
        if context.isInterrupted() { return nil }
        let indices = problem.samples(of: unit.share)
        if unit.model.isNetwork { return try AlternativeNetwork(model: unit.model, context: context, problem: problem).trial(unit, indices) }
        return try AlternativeEstimator(model: unit.model, settings: context.settings, seed: context.seed, problem: problem).trial(unit, indices)
    }

    private func save(_ trials: [AlternativeTrial], _ problems: [AlternativesProblem], _ context: RecipeContext) throws -> String? {
        guard let folder = context.output else { return nil }
        let path = "\(folder)/last.safetensors"
        let metadata = problems.reduce(SavedRun.metadata(self, context)) { $0.merging($1.metadata) { own, _ in own } }
        try AlternativesArchive.write(trials, metadata: metadata, to: path)
        try context.report(.training(.checkpoint(path: path, isBest: false)))
        return path
    }

    private static func line(_ trial: AlternativeTrial, _ problem: AlternativesProblem) -> String {
        "\(trial.unit.title) (\(Quantity.counted(trial.samples, "sample"))): \(problem.metricTitle) \(Quantity.fixed(trial.quality, 4)), "
            + "trained in \(AlternativesReport.duration(trial.trainingSeconds)), \(Quantity.bytes(trial.modelBytes))"
    }

    /// Of the first network on the first data that it suits.
    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        let context = try fitted(context)
        let problems = try problems(context)
        for model in context.settings[Self.models] where model.isNetwork {
            guard let problem = problems.first(where: { model.suits($0) }) else { continue }
            return try AlternativeNetwork(model: model, context: context, problem: problem).probe()
        }
        throw UsageError("models=\(context.settings[Self.models].settingText): none is a network with steps and gradients to look at")
    }
}
