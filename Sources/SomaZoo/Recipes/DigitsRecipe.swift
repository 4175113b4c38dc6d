import Soma

/// A small multilayer perceptron reads the 1,797 digits that the program holds.
public struct DigitsRecipe: TrainingRecipe {
    static let options = MLPSettings(hidden: [128, 64], dropout: 0.2, shift: 0, TrainingSettings(batch: 32, rate: 4e-3, warmup: 50, smoothing: 0.1))

    public let name = "digits"
    public let summary = "a multilayer perceptron reads 1,797 handwritten digits of 8×8 pixels"
    public let discussion = """
        Two hidden layers between 64 pixels and 10 classes, trained on four fifths of the embedded digits and tested on the fifth that \
        was held out. That fifth is the same for every seed. It needs no file and takes seconds: the first thing to try on a new machine.
        """
    public var settings: [any AnySetting] { Self.options.all }
    public let data = DataNeed.embedded("1,797 digits of 8×8 pixels, a fifth of them held out")
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    /// Training digits and the held-out fifth, the same two sets for all seeds of training.
    public static var dataSets: (training: Subset, heldOut: Subset) { Digits.dataSet.split(heldOut: 0.2, seed: 1797) }

    private func classifier(_ context: RecipeContext) -> ClassifierSetup<MLP> {
        let shift = RandomShift(rows: 8, columns: 8, distance: context.settings[Self.options.digits.shift])
        return ClassifierSetup(context: context, settings: Self.options.training, augmentation: shift) {
            Self.options.model(context.settings, pixels: 64)
        }
    }

    public func fitted(_ context: RecipeContext) -> RecipeContext {
        let count = Self.dataSets.training.count - context.settings[Self.options.digits.validation]
        return Self.options.training.fitted(context, to: count)
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let (context, (training, heldOut)) = (fitted(context), Self.dataSets)
        let validation = context.settings[Self.options.digits.validation]
        return try classifier(context).experiment(training: training, test: heldOut, validation: validation)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let model = try checkpoint.network(of: self, on: device) { Self.options.model($0, pixels: 64) }
        let input = PictureInput.ink(rows: 8, columns: 8, shape: [64])
        return Session(model, input: .picture(input), answer: .classes(DigitClasses.names), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        if let folder { return try .digits(in: folder, of: checkpoint, isTrainedOn: isTrainedOn, rows: 8, columns: 8, shape: [64]) }
        return TestData.embeddedDigits
    }
}
