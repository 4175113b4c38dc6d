import Soma

/// What a recipe that trains a network to tell classes is made of.
struct ClassifierSetup<Model: Layer> {
    let context: RecipeContext
    let settings: TrainingSettings
    /// What happens to samples in training on the device, before the network sees them.
    var augmentation: (any Layer)?
    /// Whether the five likeliest classes are looked at too.
    var measuresTopFive = false
    /// Batches whose gradients are added up for one update.
    var accumulation = 1
    /// Samples to evaluate at a time; nil for as many as the loop likes.
    var evaluationBatchSize: Int?
    /// What to tell of the data, a line each.
    var remarks: [String] = []
    /// What else the checkpoints say.
    var metadata: [String: String] = [:]
    /// Makes the network, untrained; its weights come from the current generator.
    let makeModel: () -> Model

    private func setting<Value>(_ key: KeyPath<TrainingSettings, Setting<Value>>) -> Value {
        context.settings[settings[keyPath: key]]
    }

    private func objective(_ model: Model) -> any Objective {
        let (smoothing, top) = (setting(\.smoothing), measuresTopFive ? 5 : nil)
        guard let augmentation else { return Classification(model, labelSmoothing: smoothing, top: top) }
        return Classification(Sequential(augmentation, model), labelSmoothing: smoothing, top: top)
    }

    /// Trains on `training` and evaluates every epoch on `test`; with samples for validation, on a part of `training`
    /// instead, and on `test` only the last weights.
    func experiment(training: any DataSet, test: any DataSet, validation: Int = 0) throws -> Experiment {
        if validation == 0 { return try experiment(training, validatedOn: test) }
        guard validation < training.count else {
            throw UsageError("validation=\(validation) leaves none of \(training.count) samples to train on")
        }
        let parts = training.split(heldOut: Double(validation) / Double(training.count), seed: 60_000)
        var experiment = try experiment(parts.training, validatedOn: parts.heldOut)
        experiment.test = test
        return experiment
    }

    private func experiment(_ training: any DataSet, validatedOn validation: any DataSet) throws -> Experiment {
        let model = try context.model(trainedBy: rule, makeModel)
        let optimizer = try Optimizer(rule(training.count), for: model, learningRate: schedule(training.count, epochs: context.epochs))
        let task = SupervisedTask(model, objective(model), optimizer)
        var experiment = Experiment(context, task, options, on: training, validatedOn: validation)
        experiment.metadata = metadata
        let change = try context.scheduleChange(setting(\.decline).rawValue) { schedule(training.count, epochs: $0) }
        experiment.remarks = remarks + [change].compactMap { $0 }
        return experiment
    }

    private var rule: any UpdateRule { setting(\.rule).rule(decay: setting(\.decay)) }

    private func rule(_ sampleCount: Int) -> any UpdateRule {
        let (warmup, declining) = span(sampleCount, epochs: context.epochs)
        guard let cycle = setting(\.decline).momentum(over: declining) else { return rule }
        // It begins when the cycle of the rate does.
        return setting(\.rule).rule(decay: setting(\.decay), cycle: Schedule { cycle.rate(after: max($0 - warmup, 0)) })
    }

    private var options: Trainer.Options {
        var options = Trainer.Options(epochs: context.epochs, batchSize: batchSize, seed: context.seed)
        options.accumulation = accumulation
        if let evaluationBatchSize { options.evaluationBatchSize = evaluationBatchSize }
        options.plateau = setting(\.decline).plateau(epochs: context.epochs)
        options.divergenceAdvice = divergenceAdvice
        return options
    }

    /// In terms of the recipe's settings, which a run that is resumed cannot change.
    private var divergenceAdvice: String {
        let (rate, warmup) = (setting(\.rate) / 10, max(100, 2 * setting(\.warmup)))
        return "begun anew with \(settings.rate.key)=\(rate.settingText) or \(settings.warmup.key)=\(warmup) it may go better"
    }

    /// Samples per update.
    private var batchSize: Int { setting(\.batch) * accumulation }

    private func schedule(_ sampleCount: Int, epochs: Int) -> Schedule {
        let (warmup, declining) = span(sampleCount, epochs: epochs)
        return setting(\.decline).schedule(setting(\.rate), over: declining).warmedUp(over: warmup)
    }

    /// The updates of the warm-up, and of what follows.
    private func span(_ sampleCount: Int, epochs: Int) -> (warmup: Int, declining: Int) {
        let updates = epochs * ((sampleCount + batchSize - 1) / batchSize)
        let warmup = min(setting(\.warmup), updates)
        return (warmup, updates - warmup)
    }
}

extension Checkpoint {
    /// The network that `make` outlines, with the weights of this checkpoint of `recipe`.
    /// - Throws: `SomaError` where the checkpoint is of another recipe or another network; `BackendError`.
    func network<Model: Module>(of recipe: any Recipe, on device: Device, _ make: (Settings) throws -> Model) throws -> Model {
        let saved = try SavedRun(self)
        guard saved.recipe.name == recipe.name else {
            throw SomaError("\(path) is of the recipe \(saved.recipe.name), not \(recipe.name)")
        }
        let model = try withDevice(device) { try withoutInitialization { try make(saved.settings) } }
        try restore(model)
        return model
    }
}
