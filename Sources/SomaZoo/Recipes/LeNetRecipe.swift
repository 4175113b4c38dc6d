import Soma

/// LeNet-5 reads the 70,000 digits of MNIST.
public struct LeNetRecipe: TrainingRecipe {
    static let activation = Setting("activation", Activation.relu, "function behind each layer; tanh in 1998")
    static let pooling = Setting("pooling", LeNetPooling.max, "how maps are halved; average in 1998")
    static let initialization = Setting("init", Initialization.uniform, "how weights are drawn")
    static let training = TrainingSettings(batch: 128, rate: 2e-3, warmup: 300, smoothing: 0.1)
    static let digits = DigitSettings(shift: 2)

    public let name = "lenet"
    public let summary = "LeNet-5, two convolutions and three layers, reads the 70,000 digits of MNIST"
    public let discussion = """
        Filters of 5×5 that look everywhere for the same small thing, pooling that forgets where exactly it was, and \
        after two rounds of that three layers that decide (Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, 1998). It has \
        a ninth of the parameters of mnist-mlp and makes fewer mistakes. Training pictures are moved by up to \
        shift=2 pixels.

        As it was in 1998 but for the last layer:

          soma train lenet activation=tanh pooling=average
        """
    public var settings: [any AnySetting] {
        [Self.activation, Self.pooling, Self.initialization] + Self.training.all + Self.digits.all
    }
    public let data = DigitFiles.need
    public let defaultEpochs = 20

    /// Settings and data come with the context of each run.
    public init() {}

    private static func model(_ settings: Settings) -> LeNet {
        LeNet(activation: settings[activation], pooling: settings[pooling], initialization: settings[initialization])
    }

    private func files(_ context: RecipeContext) throws -> DigitFiles { try DigitFiles(context, recipe: name, side: 28) }

    private func classifier(_ context: RecipeContext) -> ClassifierSetup<LeNet> {
        let shift = RandomShift(rows: 28, columns: 28, distance: context.settings[Self.digits.shift])
        return ClassifierSetup(context: context, settings: Self.training, augmentation: shift) {
            Self.model(context.settings)
        }
    }

    public func fitted(_ context: RecipeContext) throws -> RecipeContext { fitted(context, to: try files(context)) }

    private func fitted(_ context: RecipeContext, to files: DigitFiles) -> RecipeContext {
        Self.training.fitted(context, to: files.trainingCount - context.settings[Self.digits.validation])
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let files = try files(context)
        let context = fitted(context, to: files)
        let validation = context.settings[Self.digits.validation]
        var setup = classifier(context)
        setup.metadata = try context.metadata(of: files.source)
        return try setup.experiment(training: files.training(), test: files.test(), validation: validation)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let model = try checkpoint.network(of: self, on: device, Self.model)
        let input = PictureInput.ink(rows: 28, columns: 28, shape: [1, 28, 28])
        return Session(model, input: .picture(input), answer: .classes(DigitClasses.names), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        try .digits(in: DigitFiles.required(folder, name), of: checkpoint, isTrainedOn: isTrainedOn, rows: 28, columns: 28, shape: [1, 28, 28])
    }
}
