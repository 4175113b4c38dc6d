import Soma

/// One run of a recipe that trains a multilayer perceptron to tell ten digits.
struct ClassifierRun {
    let recipe: any Recipe
    let context: RecipeContext
    let options: ClassifierSettings
    /// Rows and columns of a picture.
    let pictureShape: [Int]

    static let classes = (0..<10).map(String.init)

    /// The network, untrained; its weights come from the current generator.
    static func model(_ settings: Settings, _ options: ClassifierSettings, pictureShape: [Int]) -> MLP {
        MLP(
            [pictureShape.reduce(1, *)] + settings[options.hidden] + [classes.count],
            activation: settings[options.activation], initialization: settings[options.initialization],
            dropout: settings[options.dropout])
    }

    private func setting<Value>(_ key: KeyPath<ClassifierSettings, Setting<Value>>) -> Value {
        context.settings[options[keyPath: key]]
    }

    private func objective(_ model: MLP) -> Classification<Sequential> {
        let shift = RandomShift(rows: pictureShape[0], columns: pictureShape[1], distance: setting(\.shift))
        return Classification(Sequential(shift, model), labelSmoothing: setting(\.smoothing))
    }

    /// Trains on `training` and evaluates every epoch on `test`; with the setting `validation`, on a part of `training`
    /// instead, and on `test` only the last weights.
    func run(training: some DataSet, test: some DataSet) throws -> RecipeResult {
        let validation = setting(\.validation)
        if validation == 0 { return try run(training: training, heldOut: test, test: nil) }
        guard validation < training.count else {
            throw UsageError("validation=\(validation) leaves none of \(training.count) samples to train on")
        }
        let parts = training.split(heldOut: Double(validation) / Double(training.count), seed: 60_000)
        return try run(training: parts.training, heldOut: parts.heldOut, test: test)
    }

    private func run(training: some DataSet, heldOut: any DataSet, test: (any DataSet)?) throws -> RecipeResult {
        let generator = RandomGenerator(seed: context.seed)
        return try withDevice(context.device) {
            try withRandomGenerator(generator) {
                let model = try context.model(trainedBy: rule) { self.model }
                let trainer = try makeTrainer(model, sampleCount: training.count, generator)
                if let checkpoint = context.checkpoint { try trainer.resume(from: checkpoint) }
                let result = try trainer.run(
                    on: training, evaluatingOn: heldOut, report: context.reporting(ModelSummary(recipe.name, model)),
                    isInterrupted: context.isInterrupted)
                return try summary(result, trainer, heldOut, test)
            }
        }
    }

    private var model: MLP { Self.model(context.settings, options, pictureShape: pictureShape) }

    private var rule: any UpdateRule { setting(\.rule).rule(decay: setting(\.decay)) }

    private func makeTrainer(_ model: MLP, sampleCount: Int, _ generator: RandomGenerator) throws -> Trainer<MLP> {
        let optimizer = try Optimizer(rule, for: model, learningRate: schedule(sampleCount))
        var trainerOptions = Trainer<MLP>.Options(
            epochs: context.epochs, batchSize: setting(\.batch), seed: context.seed)
        trainerOptions.folder = context.output
        trainerOptions.metadata = SavedRun.metadata(recipe, context)
        return Trainer(model, objective(model), optimizer, trainerOptions, generator: generator)
    }

    private func schedule(_ sampleCount: Int) -> Schedule {
        let updates = context.epochs * ((sampleCount + setting(\.batch) - 1) / setting(\.batch))
        let warmup = min(setting(\.warmup), updates)
        return setting(\.decline).schedule(setting(\.rate), over: updates - warmup).warmedUp(over: warmup)
    }

    private func summary(
        _ result: TrainingResult, _ trainer: Trainer<MLP>, _ heldOut: any DataSet, _ test: (any DataSet)?
    ) throws -> RecipeResult {
        var summary = try RecipeResult(result) { try trainer.evaluate(heldOut) }
        guard let test, !result.isInterrupted else { return summary }
        summary.measures["validation_accuracy"] = summary.testAccuracy
        let evaluation = try trainer.evaluate(test)
        (summary.testAccuracy, summary.testLoss) = (evaluation["accuracy"], evaluation["loss"])
        return summary
    }

    /// The loss of the first minibatch and its gradients.
    func probe(training: some DataSet) throws -> [Tensor] {
        try withDevice(context.device) {
            try withRandomGenerator(RandomGenerator(seed: context.seed)) {
                let model = try context.model(trainedBy: rule) { self.model }
                let loader = try BatchLoader(training, batchSize: setting(\.batch), seed: context.seed, epochs: 1)
                guard let batch = try loader.next() else { return [] }
                let minibatch = try Minibatch(batch)
                let loss = withTraining { objective(model).loss(minibatch) }
                return [loss] + gradient(of: loss, withRespectTo: model.parameters.map(\.tensor))
            }
        }
    }

    /// The trained network of a checkpoint of `recipe`.
    static func predictor(
        _ recipe: any Recipe, _ options: ClassifierSettings, pictureShape: [Int], _ checkpoint: Checkpoint,
        device: Device
    ) throws -> Predictor {
        let saved = try SavedRun(checkpoint)
        guard saved.recipe.name == recipe.name else {
            throw SomaError("\(checkpoint.path) is of the recipe \(saved.recipe.name), not \(recipe.name)")
        }
        let model = withDevice(device) {
            withoutInitialization { Self.model(saved.settings, options, pictureShape: pictureShape) }
        }
        try checkpoint.restore(model)
        return Predictor(classes: classes, pictureShape: pictureShape, device: device) { model($0) }
    }
}
