import Soma

/// What a recipe trains, as a value: the model, the phases of training, the data, and what is shown at the end.
///
/// A recipe makes one and does nothing else; `TrainingRecipe.run` goes through those of all recipes in the same way.
public struct Experiment {
    /// What was asked for, with all settings decided.
    public let context: RecipeContext
    /// Everything that checkpoints keep.
    public let model: any Module
    /// Batch size, reading interval and the like. Folder, epochs and metadata are set by the run.
    public var options: Trainer.Options
    /// What is trained, one after the other; most recipes have one phase.
    public var phases: [TrainingPhase]
    /// What is trained on, where a phase has no data of its own.
    public var training: any DataSet
    /// What is evaluated after every epoch.
    public var validation: any DataSet
    /// What the trained weights are tested on; nil: the figures of the last epoch are the result.
    public var test: (any DataSet)?
    /// Whether the weights that are tested are those of the best epoch, where there are checkpoints, and not the last ones.
    public var testsBest = false
    /// What checkpoints say beside the recipe and its settings.
    public var metadata: [String: String] = [:]
    /// Lines to tell before training begins, such as what was found in the data.
    public var remarks: [String] = []
    /// What is done once, before the first phase of a run that begins anew, such as training a network to measure others by. Returns a line to tell.
    /// Nothing of it is kept where it is interrupted.
    public var preparation: (() throws -> String)?
    /// What the trained model shows, once all epochs are done: tables, files in the folder that it is given (nil for none), and further figures.
    public var exhibits: (String?) throws -> Exhibits = { _ in Exhibits() }

    /// An experiment of several phases.
    /// - Parameters:
    ///   - context: of which `data`, `settings` and `epochs` are decided.
    ///   - validation: is evaluated after every epoch.
    public init(
        _ context: RecipeContext, _ model: any Module, _ options: Trainer.Options, phases: [TrainingPhase], on training: any DataSet,
        validatedOn validation: any DataSet
    ) {
        (self.context, self.model, self.options, self.phases) = (context, model, options, phases)
        (self.training, self.validation) = (training, validation)
    }

    /// An experiment of one phase, which has the epochs that were asked for.
    public init(
        _ context: RecipeContext, _ task: any TrainingTask, _ options: Trainer.Options, on training: any DataSet,
        validatedOn validation: any DataSet
    ) {
        let phase = TrainingPhase("training", epochs: context.epochs) { task }
        self.init(context, task.module, options, phases: [phase], on: training, validatedOn: validation)
    }
}

/// What a trained model shows.
public struct Exhibits: Sendable {
    /// Tables, lines and files, in the order in which they are told.
    public var events: [RecipeEvent]
    /// Further figures of the result, by name.
    public var measures: [String: Double]

    /// What is shown, none by default.
    public init(_ events: [RecipeEvent] = [], measures: [String: Double] = [:]) { (self.events, self.measures) = (events, measures) }
}

/// A recipe that trains by minibatches: it says what, and this protocol does it.
public protocol TrainingRecipe: Recipe {
    /// What `context` asks for. Called on the context's device, with the random numbers of the run.
    /// - Throws: `SomaError` where data are missing or broken, or the checkpoint to go on from does not fit; `UsageError` where a setting does not
    ///   go with the data; `BackendError`.
    func experiment(_ context: RecipeContext) throws -> Experiment
}

extension TrainingRecipe {
    @discardableResult
    public func run(_ context: RecipeContext) throws -> RecipeResult { try trained(context) }

    public func probe(_ context: RecipeContext) throws -> [Tensor] { try probed(context) }

    /// Goes through the experiment that `context` asks for.
    func trained(_ context: RecipeContext) throws -> RecipeResult {
        try within(context) { generator in try ExperimentRun(self, experiment(context), generator).result() }
    }

    /// The first losses and gradients of the experiment that `context` asks for.
    func probed(_ context: RecipeContext) throws -> [Tensor] {
        var fresh = context
        (fresh.checkpoint, fresh.output) = (nil, nil)
        return try within(fresh) { generator in try ExperimentRun(self, experiment(fresh), generator).probe() }
    }

    private func within<Result>(_ context: RecipeContext, _ body: (RandomGenerator) throws -> Result) rethrows -> Result {
        let generator = RandomGenerator(seed: context.seed)
        return try withDevice(context.device) { try withRandomGenerator(generator) { try body(generator) } }
    }
}

/// An experiment under way.
private struct ExperimentRun {
    private let name: String
    private var experiment: Experiment
    private let trainer: PhasedTrainer

    private var context: RecipeContext { experiment.context }

    init(_ recipe: any Recipe, _ experiment: Experiment, _ generator: RandomGenerator) {
        (name, self.experiment) = (recipe.name, experiment)
        var options = experiment.options
        options.folder = experiment.context.output
        options.metadata = SavedRun.metadata(recipe, experiment.context).merging(experiment.metadata) { _, own in own }
        trainer = PhasedTrainer(experiment.phases, options, generator: generator)
    }

    func result() throws -> RecipeResult {
        var remarks = experiment.remarks
        if let checkpoint = context.checkpoint {
            try trainer.resume(from: checkpoint)
            if let remark = try context.phaseRemark { remarks.append(remark) }
        } else if let preparation = experiment.preparation {
            remarks.append(try preparation())
        }
        let ending = try trainer.run(
            on: experiment.training, evaluatingOn: experiment.validation,
            observer: ExperimentObserver(context, ModelSummary(name, experiment.model), remarks))
        if ending.isInterrupted { return try summary(ending, Exhibits()) }
        let exhibits = try experiment.exhibits(context.output)
        for event in exhibits.events { try context.report(event) }
        return try summary(ending, exhibits)
    }

    private func summary(_ ending: TrainingResult, _ exhibits: Exhibits) throws -> RecipeResult {
        var result = RecipeResult()
        result.measures = exhibits.measures
        (result.isInterrupted, result.epochs, result.seconds) = (ending.isInterrupted, ending.progress.epoch, ending.progress.seconds)
        (result.samplesPerSecond, result.checkpoint) = (ending.progress.samplesPerSecond, ending.checkpoint)
        if ending.isInterrupted { return result }
        result.test = try (ending.lastEpoch?.evaluation ?? trainer.evaluate(experiment.validation)).report
        guard let test = experiment.test else { return result }
        for figure in result.test.figures { result.measures["validation_\(figure.name)"] = figure.value }
        if experiment.testsBest, ending.best != nil, let best = trainer.bestPath { try Checkpoint(path: best).restore(experiment.model) }
        result.test = try trainer.evaluate(test).report
        return result
    }

    /// The losses of the first minibatch and their gradients, in the first phase.
    func probe() throws -> [Tensor] {
        let options = experiment.options
        let size = max(1, options.batchSize / options.accumulation)
        let loader = try BatchLoader(experiment.training, batchSize: size, seed: context.seed, epochs: 1)
        return try loader.next().map { try trainer.probe(try Minibatch($0)) } ?? []
    }
}
