import Soma

/// A generator of digits and its discriminator train each other.
public struct DCGANRecipe: TrainingRecipe {
    static let loss = Setting("loss", AdversarialLoss.standard, "what the two play for")
    static let batch = Setting("batch", 64, "samples per batch", in: 2...1_000_000)
    static let rate = Setting("lr", 2e-4, "learning rate of both", in: 0...100)
    static let noise = Setting("noise", 100, "random numbers that a picture is made of", in: 1...65_536)
    static let width = Setting("width", 64, "channels of the discriminator's first maps and of the generator's last", in: 1...4096)
    static let critic = Setting("critic", 1, "steps of the discriminator for one of the generator", in: 1...100)
    static let average = Setting("average", 0.0, "share of the old in a moving average of the generator's weights that pictures are made by; 0: by the weights", in: 0...0.99999)
    static let judge = Setting("judge", 2, "epochs for the classifier that measures the pictures", in: 0...1000)

    public let name = "dcgan"
    public let summary = "a generator of digits and its discriminator train each other"
    public let discussion = """
        One network makes pictures of 28×28 of random numbers, by transposed convolutions; another tells them from real ones; each learns from \
        the other (A. Radford, L. Metz and S. Chintala, 2015). With loss=wasserstein the slope of the discriminator is held near 1 and it \
        takes critic=5 steps for one of the generator.

        A loss says nothing of the pictures. So a small classifier is trained first, on the same data, and kept in the checkpoint: by its \
        features and answers every epoch tells the Fréchet distance to held-out digits, how sure and how varied it finds the pictures, and how many \
        of the ten classes there are. The folder samples gets a sheet of pictures of the same random numbers after every epoch, and \
        samples.png shows them one after the other at the end.

        Without --data the digits are few, and the run has 60 epochs of smaller batches unless told otherwise.

          soma train dcgan --data data/mnist --epochs 5
          soma generate runs/dcgan --count 64 --seed 7 --output sheet.png
        """
    public var settings: [any AnySetting] { [Self.loss, Self.batch, Self.rate, Self.noise, Self.width, Self.critic, Self.average, Self.judge] }
    public let data = DataNeed.either(
        folder: "the four IDX files of MNIST, plain or gzip (soma data mnist fetches them)", embedded: "the embedded digits, enlarged to 28×28")
    public let defaultEpochs = 20

    /// Settings and data come with the context of each run.
    public init() {}

    // MARK: Settings

    public func fitted(_ context: RecipeContext) throws -> RecipeContext {
        var context = context
        let isWasserstein = context.settings[Self.loss] == .wasserstein
        if isWasserstein && !context.settings.isChosen(Self.critic) { context.settings.choose(Self.critic, 5) }
        guard context.data == nil else { return context }
        if !context.settings.isChosen(Self.batch) { context.settings.choose(Self.batch, 32) }
        if !context.settings.isChosen(Self.judge) { context.settings.choose(Self.judge, 20) }
        if context.chosenEpochs == nil { context.epochs = 60 }
        return context
    }

    private static func networks(_ settings: Settings) -> JudgedDCGAN {
        let networks = DCGAN(noise: settings[noise], width: settings[width], normalizesDiscriminator: settings[loss] != .wasserstein)
        return JudgedDCGAN(networks: networks, judge: DigitJudge())
    }

    /// The numbers that pictures are measured by are the same after every epoch and in every run.
    private static func withNoise(_ dataSet: any DataSet, _ settings: Settings) -> WithNoise {
        WithNoise(dataSet, NoiseSource(count: settings[noise], seed: 0))
    }

    // MARK: Training

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let context = try fitted(context)
        let (settings, pictures) = (context.settings, try DigitPictures(context, recipe: name))
        let networks = try context.model(trainedBy: AdversarialTask.rule(settings[Self.loss])) { Self.networks(settings) }
        let task = try AdversarialTask(
            networks, settings[Self.loss], discriminatorSteps: settings[Self.critic], rate: settings[Self.rate],
            average: settings[Self.average] == 0 ? nil : settings[Self.average], noise: settings[Self.noise], seed: context.seed)
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        var experiment = Experiment(
            context, task, options, on: pictures.training, validatedOn: Self.withNoise(pictures.heldOut, settings))
        experiment.metadata = pictures.metadata
        experiment.preparation = { try Self.trainJudge(networks.judge, context, pictures) }
        experiment.exhibits = { folder in
            Exhibits(try folder.flatMap { try AdversarialTask.animate($0, epochs: context.epochs) }.map { [.file(path: $0)] } ?? [])
        }
        return experiment
    }

    /// Trains the classifier that pictures are measured by.
    /// - Returns: how well it does, in a line.
    private static func trainJudge(_ judge: DigitJudge, _ context: RecipeContext, _ pictures: DigitPictures) throws -> String {
        let epochs = context.settings[Self.judge]
        let accuracy = try judge.train(on: pictures.training, heldOut: pictures.heldOut, epochs: epochs, seed: context.seed)
        return "the classifier that measures the pictures was trained for \(Quantity.counted(epochs, "epoch")) and reads \(Quantity.fixed(accuracy, 4)) "
            + "of \(Quantity.grouped(pictures.heldOut.count)) held-out digits"
    }

    // MARK: Answers

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let (settings, side) = (try SavedRun(checkpoint).settings, DCGAN.side)
        let networks = try checkpoint.network(of: self, on: device, Self.networks)
        let answer = SessionAnswer.picture(channels: 1, rows: side, columns: side, range: -1...1)
        return Session(
            networks.networks.generator, input: .noise(count: settings[Self.noise]), answer: answer, measured: GeneratorScores(module: networks), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        let settings = try SavedRun(checkpoint).settings
        guard let folder else {
            if DigitFiles.areNamed(in: checkpoint) { throw UsageError("\(checkpoint.path) was trained on the files of a folder: name it by --data") }
            let heldOut = EnlargedDigits.parts.heldOut
            return TestData(dataSet: Self.withNoise(heldOut, settings), origin: "as many pictures as the \(heldOut.count) embedded digits that were held out")
        }
        let test = try TestData.digits(in: folder, rows: DCGAN.side, columns: DCGAN.side, shape: [1, DCGAN.side, DCGAN.side])
        return TestData(dataSet: Self.withNoise(test.dataSet, settings), origin: "as many pictures as \(test.origin)", remarks: test.remarks)
    }
}
