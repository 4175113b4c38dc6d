import Soma

/// A network makes a few numbers of a picture and the picture again of these, beside principal components.
public struct AutoencoderRecipe: TrainingRecipe {
    static let hidden = Setting("hidden", [256, 128], "units of the encoder's hidden layers; the decoder has them the other way round", eachIn: 1...65_536, count: 0...100)
    static let code = Setting("code", 2, "numbers that a picture is made into", in: 1...65_536)
    static let damage = Setting("denoising", 0.0, "share of the pixels that is set to 0 in training, while the whole is to be rebuilt", in: 0...0.99)
    static let activation = Setting("activation", Activation.relu, "activation function of the hidden layers")
    static let initialization = Setting("init", Initialization.uniform, "how weights are drawn")
    static let batch = Setting("batch", 128, "samples per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 1e-3, "learning rate of Adam", in: 0...100)

    public let name = "autoencoder"
    public let summary = "digits made into a few numbers and rebuilt, beside principal components"
    public let discussion = """
        An encoder makes a short code of a picture, a decoder the picture of the code; both learn from what is lost on the way. Without hidden layers \
        the best code is that of principal components (P. Baldi and K. Hornik, 1989); with several it can be far better (G. Hinton and \
        R. Salakhutdinov, 2006). With denoising= a part of the pixels is hidden and must be guessed (P. Vincent and others, 2008).

        At the end the error on held-out digits stands beside that of as many principal components. The folder reconstructions gets a sheet of \
        pictures and their reconstructions after every epoch, reconstructions.png shows them one after the other, and map.svg shows the codes of \
        held-out digits.

        Without --data the digits are few, and the run has 60 epochs of smaller batches unless told otherwise.

          soma train autoencoder
          soma train autoencoder code=10 denoising=0.2
          soma train autoencoder --data data/mnist code=30 hidden=1000,500,250
        """
    public var settings: [any AnySetting] {
        [Self.hidden, Self.code, Self.damage, Self.activation, Self.initialization, Self.batch, Self.rate]
    }
    public let data = FlatDigits.need
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    public func fitted(_ context: RecipeContext) -> RecipeContext { context.fittedToFewDigits(batch: Self.batch, epochs: 60) }

    private static func network(_ settings: Settings, pixels: Int) -> Autoencoder {
        Autoencoder(
            pixels: pixels, hidden: settings[hidden], code: settings[code], activation: settings[activation], initialization: settings[initialization])
    }

    // MARK: Training

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let context = fitted(context)
        let (settings, digits) = (context.settings, try FlatDigits(context, recipe: name))
        let network = try context.model(trainedBy: Adam()) { Self.network(settings, pixels: digits.pixels) }
        let task = try AutoencoderTask(network, damage: settings[Self.damage], rate: settings[Self.rate], shown: try digits.shown(16))
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        var experiment = Experiment(context, task, options, on: digits.training, validatedOn: digits.heldOut)
        experiment.metadata = digits.metadata
        experiment.exhibits = { folder in try Self.exhibits(network, digits, settings, epochs: context.epochs, folder) }
        return experiment
    }

    /// The error beside that of principal components, and the pictures.
    private static func exhibits(_ network: Autoencoder, _ digits: FlatDigits, _ settings: Settings, epochs: Int, _ folder: String?) throws -> Exhibits {
        let components = try PrincipalComponents(of: digits.training, count: settings[code])
        func error(_ reconstruct: @escaping @Sendable (Tensor) -> Tensor) throws -> Double {
            try Evaluator(ReconstructionError(reconstruct: reconstruct)).evaluate(digits.heldOut).value(of: ReconstructionError.name)
        }
        let (own, principal) = (try error { network($0) }, try error(components.reconstruction))
        let table = Table(
            "Mean squared error of a pixel on \(Quantity.grouped(digits.heldOut.count)) digits that were held out", columns: ["code", "error"],
            rows: [
                [Quantity.counted(components.axes.count, "principal component"), Quantity.fixed(principal, 5)],
                ["autoencoder of \(Quantity.counted(settings[code], "number"))", Quantity.fixed(own, 5)],
            ])
        var exhibits = Exhibits([.table(table)], measures: ["pca_error": principal])
        guard let folder else { return exhibits }
        exhibits.events += try AnimatedPicture.write(preview: AutoencoderTask.previewName, in: folder, epochs: epochs)
        let map = try LatentMap.write("Codes of held-out digits", digits.heldOut, to: folder) { network.encoder($0) }
        exhibits.events.append(.file(path: map))
        return exhibits
    }

    // MARK: Answers

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let side = DigitFiles.areNamed(in: checkpoint) ? 28 : 8
        let network = try checkpoint.network(of: self, on: device) { Self.network($0, pixels: side * side) }
        return Session(
            network, input: .picture(.ink(rows: side, columns: side, shape: [side * side])),
            answer: .picture(channels: 1, rows: side, columns: side, range: 0...1), measured: ReconstructionError { network($0) }, device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        try .flatDigits(of: checkpoint, in: folder, isTrainedOn: isTrainedOn, name)
    }
}
