import Soma

/// Pictures with classes, and what a generator of such is to make.
struct LabelledPictures {
    let training: any DataSet
    let heldOut: any DataSet
    let format: DCGANFormat
    let classes: [String]
    /// What checkpoints say of them.
    let metadata: [String: String]
}

/// What can be set of a recipe whose generator and discriminator train each other, and what such a recipe is made of.
struct AdversarialSettings: Sendable {
    let loss = Setting("loss", AdversarialLoss.standard, "what the two play for")
    let batch: Setting<Int>
    let rate: Setting<Double>
    let falls: Setting<Bool>
    let noise: Setting<Int>
    let width: Setting<Int>
    let critic = Setting("critic", 1, "steps of the discriminator for one of the generator", in: 1...100)
    let average = Setting(
        "average", 0.0, "share of the old in a moving average of the generator's weights that pictures are made by; 0: by the weights", in: 0...0.99999)
    let judge: Setting<Int>

    /// The arguments are the recipe's defaults.
    init(batch: Int, rate: Double, falls: Bool = false, noise: Int, width: Int, judge: Int) {
        self.batch = Setting("batch", batch, "samples per batch", in: 2...1_000_000)
        self.rate = Setting("lr", rate, "learning rate of both", in: 0...100)
        self.falls = Setting("falling", falls, "whether the learning rate falls to 0 over the run, along a line")
        self.noise = Setting("noise", noise, "random numbers that a picture is made of", in: 1...65_536)
        self.width = Setting("width", width, "channels of the discriminator's first maps and of the generator's last", in: 1...4096)
        self.judge = Setting("judge", judge, "epochs for the classifier that measures the pictures", in: 0...1000)
    }

    var all: [any AnySetting] { [loss, batch, rate, falls, noise, width, critic, average, judge] }

    /// Five steps of the discriminator for one of the generator where the slope of the discriminator is what counts.
    func fit(_ settings: inout Settings) {
        if settings[loss] == .wasserstein && !settings.isChosen(critic) { settings.choose(critic, 5) }
    }

    func networks(_ settings: Settings, _ format: DCGANFormat, classes: Int) -> JudgedDCGAN {
        let networks = DCGAN(
            noise: settings[noise], width: settings[width], format: format, normalizesDiscriminator: settings[loss] != .wasserstein)
        return JudgedDCGAN(networks: networks, judge: PictureJudge(format, classes: classes))
    }

    /// The numbers that pictures are measured by are the same after every epoch and in every run.
    func withNoise(_ dataSet: any DataSet, _ settings: Settings) -> WithNoise {
        WithNoise(dataSet, NoiseSource(count: settings[noise], seed: 0))
    }

    func experiment(_ context: RecipeContext, _ pictures: LabelledPictures) throws -> Experiment {
        let settings = context.settings
        let networks = try context.model(trainedBy: AdversarialTask.rule(settings[loss])) {
            self.networks(settings, pictures.format, classes: pictures.classes.count)
        }
        let updates = pictures.training.updatesPerEpoch(batchSize: settings[batch])
        func schedule(_ epochs: Int) -> Schedule {
            settings[falls] ? .linear(from: settings[rate], over: max(1, epochs * updates)) : .constant(settings[rate])
        }
        let task = try AdversarialTask(
            networks, settings[loss], discriminatorSteps: settings[critic], rate: schedule(context.epochs),
            average: settings[average] == 0 ? nil : settings[average], noise: settings[noise], classes: pictures.classes, seed: context.seed)
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: rate)
        // Where a batch has room to be trained on, it has room to be evaluated.
        if pictures.format.side > DCGANFormat.digits.side { options.evaluationBatchSize = max(32, settings[batch]) }
        var experiment = Experiment(
            context, task, options, on: pictures.training, validatedOn: withNoise(pictures.heldOut, settings))
        experiment.metadata = pictures.metadata
        experiment.remarks = [try context.scheduleChange("linear", schedule)].compactMap { $0 }
        experiment.preparation = { try trainJudge(networks.judge, context, pictures) }
        let nearest = NearestPictures(module: networks, noise: NoiseSource(count: settings[noise], seed: context.seed), training: pictures.training)
        experiment.exhibits = { folder in
            guard let folder else { return Exhibits() }
            let path = "\(folder)/nearest.png"
            try nearest.sheet().write(to: path, links: .replaced)
            let animation = try AnimatedPicture.write(preview: AdversarialTask.previewName, in: folder, epochs: context.epochs)
            return Exhibits(animation + [.file(path: path)])
        }
        return experiment
    }

    /// Trains the classifier that pictures are measured by.
    /// - Returns: how well it does, in a line.
    private func trainJudge(_ network: PictureJudge, _ context: RecipeContext, _ pictures: LabelledPictures) throws -> String {
        let epochs = context.settings[judge]
        let accuracy = try network.train(on: pictures.training, heldOut: pictures.heldOut, epochs: epochs, seed: context.seed)
        return "the classifier that measures the pictures was trained for \(Quantity.counted(epochs, "epoch")) and is right about "
            + "\(Quantity.fixed(accuracy, 4)) of \(Quantity.grouped(pictures.heldOut.count)) held-out pictures"
    }

    func session(_ checkpoint: Checkpoint, of recipe: any Recipe, _ format: DCGANFormat, classes: [String], device: Device) throws -> Session {
        let settings = try SavedRun(checkpoint).settings
        let networks = try checkpoint.network(of: recipe, on: device) { self.networks($0, format, classes: classes.count) }
        let answer = SessionAnswer.picture(channels: format.channels, rows: format.side, columns: format.side, range: -1...1)
        return Session(
            networks.networks.generator, input: .noise(count: settings[noise]), answer: answer,
            measured: GeneratorScores(module: networks, classes: classes), device: device)
    }
}
