import Soma

/// A multilayer perceptron reads the 70,000 digits of MNIST.
public struct MNISTRecipe: TrainingRecipe {
    static let options = MLPSettings(hidden: [512, 256], dropout: 0.3, shift: 1, TrainingSettings(batch: 128, rate: 2e-3, warmup: 300, smoothing: 0.1))

    public let name = "mnist-mlp"
    public let summary = "a multilayer perceptron reads the 70,000 digits of MNIST"
    public let discussion = """
        Hidden layers of 512 and 256 rectifiers between 28×28 pixels and 10 classes. Settings are chosen with \
        validation=N, which leaves the test set out of sight until the last epoch is over.

        The network by which neural networks are often explained, of two layers of 16 sigmoid units, is too small for \
        the dropout, smoothing and shifts that help the larger one. It reads 0.95 of the test set after

          soma train mnist-mlp --epochs 10 hidden=16,16 activation=sigmoid \\
            dropout=0 smoothing=0 shift=0 lr=1e-2
        """
    public var settings: [any AnySetting] { Self.options.all }
    public let data = DigitFiles.need
    public let defaultEpochs = 20

    /// Settings and data come with the context of each run.
    public init() {}

    private func classifier(_ context: RecipeContext, _ files: DigitFiles) -> ClassifierSetup<MLP> {
        let shift = RandomShift(rows: files.rows, columns: files.columns, distance: context.settings[Self.options.digits.shift])
        return ClassifierSetup(context: context, settings: Self.options.training, augmentation: shift) {
            Self.options.model(context.settings, pixels: files.rows * files.columns)
        }
    }

    public func fitted(_ context: RecipeContext) throws -> RecipeContext { fitted(context, to: try DigitFiles(context)) }

    private func fitted(_ context: RecipeContext, to files: DigitFiles) -> RecipeContext {
        Self.options.training.fitted(context, to: files.trainingCount - context.settings[Self.options.digits.validation])
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let files = try DigitFiles(context)
        let context = fitted(context, to: files)
        let validation = context.settings[Self.options.digits.validation]
        var setup = classifier(context, files)
        setup.metadata = try context.metadata(of: files.source)
        return try setup.experiment(training: files.training(), test: files.test(), validation: validation)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let model = try checkpoint.network(of: self, on: device) { Self.options.model($0, pixels: 784) }
        let input = PictureInput.ink(rows: 28, columns: 28, shape: [784])
        return Session(model, input: .picture(input), answer: .classes(DigitClasses.names), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        try .digits(in: DigitFiles.required(folder, name), of: checkpoint, isTrainedOn: isTrainedOn, rows: 28, columns: 28, shape: [784])
    }
}
