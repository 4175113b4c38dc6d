import Soma

/// What can be set of the training of a language model.
struct LanguageSettings {
    let tokens = Setting("tokens", TokenKind.characters, "what a text is made of; bytes take any language, and what is no text")
    let batch: Setting<Int>
    let length: Setting<Int>
    let rate: Setting<Double>
    let clip = Setting("clip", 5.0, "the Euclidean norm to which gradients are cut; 0: not at all", in: 0...1_000_000)
    let heldOut = Setting("held-out", 0.1, "the share of the text, its end, that is measured by and not trained on", in: 0.001...0.9)

    init(batch: Int, length: Int, rate: Double) {
        self.batch = Setting("batch", batch, "stretches of the text that are read side by side", in: 1...65_536)
        self.length = Setting("length", length, "tokens that gradients reach back, those of a batch's row", in: 1...65_536)
        self.rate = Setting("lr", rate, "learning rate of Adam", in: 0...100)
    }

    var all: [any AnySetting] { [tokens, batch, length, rate, clip, heldOut] }
}

/// A recipe that trains a language model on a text: `network` says which.
protocol LanguageRecipe: TrainingRecipe {
    static var training: LanguageSettings { get }
    /// What can be set of the network.
    static var own: [any AnySetting] { get }
    /// - Throws: `UsageError` where settings do not go together.
    static func check(_ settings: Settings) throws
    /// The network, untrained.
    static func network(_ settings: Settings, vocabulary: Int) -> any LanguageModel
}

extension LanguageRecipe {
    static func check(_ settings: Settings) throws {}

    public var settings: [any AnySetting] { Self.own + Self.training.all }
    public var data: DataNeed { LanguageText.need }

    private static func trained(_ settings: Settings, vocabulary: Int) -> CarriedLanguageModel {
        CarriedLanguageModel(network(settings, vocabulary: vocabulary), streams: settings[training.batch])
    }

    private static func measure(_ model: any LanguageModel, _ tokenizer: any Tokenizer) -> LanguageMeasure {
        LanguageMeasure(model, tokenizer: tokenizer, streams: LanguageText.streamCounts)
    }

    // MARK: Training

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let (settings, own) = (context.settings, Self.training)
        try Self.check(settings)
        let text = try LanguageText(context.data, settings[own.tokens], heldOut: settings[own.heldOut])
        let (batch, length) = (settings[own.batch], settings[own.length])
        let (streams, heldOut) = try Self.data(text, context, batch: batch, length: length)
        let metadata = try text.metadata(context)
        let trained = try context.model(trainedBy: Adam()) { Self.trained(settings, vocabulary: text.tokenizer.vocabularyCount) }
        let (clip, seed) = (settings[own.clip], context.seed)
        let optimizer = try Optimizer(
            Adam(), for: trained, learningRate: .constant(settings[own.rate]), clipping: clip > 0 ? .byNorm(clip) : nil)
        let generator = TextGenerator(trained.model, tokenizer: text.tokenizer, temperature: SampleText.temperature)
        let task = LanguageTask(trained, optimizer, measuredBy: Self.measure(trained.model, text.tokenizer)) {
            try generator.text(count: SampleText.length, seed: seed) + "\n"
        }
        // What carries no state may read stretches in any order.
        let training: any DataSet = trained.model.contextLength == nil
            ? streams : try TextWindows(text.training, length: length, shiftedBy: context.seed)
        var options = Trainer.Options(epochs: context.epochs, batchSize: batch, seed: context.seed)
        options.divergenceAdvice = context.advice(lower: own.rate)
        var experiment = Experiment(context, task, options, on: training, validatedOn: heldOut)
        experiment.metadata = metadata
        experiment.remarks = [
            "\(Quantity.grouped(text.training.count)) tokens to train on, \(Quantity.grouped(text.heldOut.count)) to measure by; "
                + "there are \(text.tokenizer.vocabularyCount) different ones"
        ]
        return experiment
    }

    /// What is trained on, and what is held out.
    /// - Throws: `SomaError` where the text is too short for that.
    private static func data(
        _ text: LanguageText, _ context: RecipeContext, batch: Int, length: Int
    ) throws -> (training: TextStreams, heldOut: TextStreams) {
        let name = text.files?.path ?? "the embedded text"
        guard text.training.count / batch > length, text.heldOut.count > 1 else {
            let count = Quantity.counted(text.training.count, "token")
            throw SomaError(
                "\(name) is too short: it has \(count) to train on and \(Quantity.grouped(text.heldOut.count)) to measure by, and a batch takes "
                    + "\(batch) stretches of \(length) and the one behind them",
                hint: "take more text, or fewer and shorter stretches (batch=, length=)")
        }
        return (try TextStreams(text.training, length: length, streams: batch), try LanguageText.streams(text.heldOut, length: length))
    }

    // MARK: Answers

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let tokenizer = try LanguageText.tokenizer(of: checkpoint)
        let model = try checkpoint.network(of: self, on: device) { Self.trained($0, vocabulary: tokenizer.vocabularyCount) }.model
        return try withDevice(device) {
            Session(
                model, tokenizer: tokenizer, length: try SavedRun(checkpoint).settings[Self.training.length],
                measured: Self.measure(model, tokenizer), device: device)
        }
    }

    public func testData(of checkpoint: Checkpoint, in path: String?, isTrainedOn: Bool) throws -> TestData {
        let (settings, tokenizer) = (try SavedRun(checkpoint).settings, try LanguageText.tokenizer(of: checkpoint))
        let files = try path.map { try TextFiles(path: $0) }
        let isSame: Bool
        if let files {
            isSame = try checkpoint.comparison(with: files, isTrainedOn: isTrainedOn, hasTestPart: false).isSame
        } else {
            guard try checkpoint.dataFingerprint() == nil else {
                throw UsageError("\(checkpoint.path) was trained on a text of its own: name it by --data")
            }
            isSame = true
        }
        let (name, whole) = (files?.path ?? "the embedded text", try LanguageText.tokens(files, tokenizer))
        let tokens = isSame ? whole.split(heldOut: settings[Self.training.heldOut]).heldOut : whole
        return TestData(
            dataSet: try LanguageText.streams(tokens, length: settings[Self.training.length]),
            origin: "the \(isSame ? "last " : "")\(Quantity.counted(tokens.count, "token")) of \(name)")
    }
}

/// The text that the run folder gets after every epoch.
enum SampleText {
    static let length = 500
    static let temperature = 0.8
}
