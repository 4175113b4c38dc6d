import Soma

/// A variational autoencoder of digits.
public struct VAERecipe: TrainingRecipe {
    static let latents = Setting("latents", 20, "random numbers that a picture is made of", in: 1...65_536)
    static let hidden = Setting("hidden", [400], "units of the encoder's hidden layers; the decoder has them the other way round", eachIn: 1...65_536, count: 0...100)
    static let beta = Setting("beta", 1.0, "weight of the divergence in what is minimised; with 1 that is minus the bound", in: 0...1000)
    static let activation = Setting("activation", Activation.relu, "activation function of the hidden layers")
    static let batch = Setting("batch", 128, "samples per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 1e-3, "learning rate of Adam", in: 0...100)

    public let name = "vae"
    public let summary = "a variational autoencoder makes digits of random numbers"
    public let discussion = """
        An encoder makes a normal distribution of each picture, a decoder a picture of a sample of it, and both raise a lower bound of the likelihood of \
        the data (D. Kingma and M. Welling, 2013): elbo, in nats for a picture, which is minus the sum of what reconstruction costs and of how far the \
        distribution is from N(0, I), kl. The sample is mean + deviation · noise, so that a gradient goes through it. Every epoch is measured by the \
        same noise, one sample a picture.

        The folder samples gets a sheet of pictures of the same random numbers after every epoch, samples.png shows them one after the other, and \
        map.svg shows where held-out digits lie among the random numbers.

        Without --data the digits are few, and the run has 60 epochs of smaller batches unless told otherwise.

          soma train vae --data data/mnist --epochs 10
          soma generate runs/vae --count 64 --seed 7 --output sheet.png
          soma generate runs/vae --seed 7 --walk 12 --output walk.png
        """
    public var settings: [any AnySetting] { [Self.latents, Self.hidden, Self.beta, Self.activation, Self.batch, Self.rate] }
    public let data = FlatDigits.need
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    public func fitted(_ context: RecipeContext) -> RecipeContext { context.fittedToFewDigits(batch: Self.batch, epochs: 60) }

    private static func network(_ settings: Settings, pixels: Int) -> VariationalAutoencoder {
        VariationalAutoencoder(pixels: pixels, hidden: settings[hidden], latents: settings[latents], activation: settings[activation])
    }

    /// The numbers that the bound is measured by are the same after every epoch and in every run.
    private static func withNoise(_ dataSet: any DataSet, _ settings: Settings) -> WithNoise {
        WithNoise(dataSet, NoiseSource(count: settings[latents], seed: 0))
    }

    // MARK: Training

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let context = fitted(context)
        let (settings, digits) = (context.settings, try FlatDigits(context, recipe: name))
        let network = try context.model(trainedBy: Adam()) { Self.network(settings, pixels: digits.pixels) }
        let task = try VariationalTask(
            network, pixels: digits.pixels, beta: settings[Self.beta], rate: settings[Self.rate],
            samples: NoiseSource(count: settings[Self.latents], seed: context.seed))
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        var experiment = Experiment(context, task, options, on: digits.training, validatedOn: Self.withNoise(digits.heldOut, settings))
        experiment.metadata = digits.metadata
        experiment.exhibits = { folder in
            guard let folder else { return Exhibits() }
            let sheets = try AnimatedPicture.write(preview: VariationalTask.previewName, in: folder, epochs: context.epochs)
            let map = try LatentMap.write("Means of held-out digits", digits.heldOut, to: folder) { network.posterior($0).mean }
            return Exhibits(sheets + [.file(path: map)])
        }
        return experiment
    }

    // MARK: Answers

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let (settings, side) = (try SavedRun(checkpoint).settings, DigitFiles.areNamed(in: checkpoint) ? 28 : 8)
        let network = try checkpoint.network(of: self, on: device) { Self.network($0, pixels: side * side) }
        return Session(
            Sequential(network.decoder, Sigmoid()), input: .noise(count: settings[Self.latents]),
            answer: .picture(channels: 1, rows: side, columns: side, range: 0...1), measured: VariationalBound(network: network, pixels: side * side),
            device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        let settings = try SavedRun(checkpoint).settings
        let test = try TestData.flatDigits(of: checkpoint, in: folder, isTrainedOn: isTrainedOn, name)
        return TestData(dataSet: Self.withNoise(test.dataSet, settings), origin: test.origin, remarks: test.remarks)
    }
}
