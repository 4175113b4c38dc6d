import Soma

/// A recurrent network tells the class of a text, such as whether somebody liked a film.
public struct SentimentRecipe: TrainingRecipe {
    static let model = Setting("model", TextClassifier.Kind.lstm, "what reads the words: bag takes the mean of their vectors and knows no order")
    static let text = Setting("text", "text", "the column with the texts")
    static let label = Setting("label", "label", "the column with their classes")
    static let vocabulary = Setting("vocabulary", 1000, "tokens at most, by byte pair encoding of the texts to train on", in: 256...100_000)
    static let length = Setting("length", 256, "tokens of a text at most; longer ones are cut", in: 1...100_000)
    static let units = Setting("units", 64, "features of a token's vector, and units of the recurrent layer", in: 1...16_384)
    static let dropout = Setting("dropout", 0.2, "share of a text's features dropped in training", in: 0...0.95)
    static let batch = Setting("batch", 32, "texts per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 2e-3, "learning rate of Adam", in: 0...100)
    static let clip = Setting("clip", 1.0, "the Euclidean norm to which gradients are cut; 0: not at all", in: 0...1_000_000)
    static let heldOut = Setting("held-out", 0.2, "the share of texts that is tested on and not trained on", in: 0.01...0.9)

    public let name = "sentiment"
    public let summary = "an LSTM tells the class of a text, such as whether somebody liked a film"
    public let discussion = """
        Whether a text praises or blames was first told by counting words (B. Pang, L. Lee and S. Vaithyanathan, 2002). A network that reads them \
        one after the other can learn that "not" turns round what follows and that "but" makes the second half count; model=bag, the mean of the \
        words' vectors, cannot. The state of an LSTM behind the last token goes to a linear map.

        Without --data it reads 2,500 sentences about films that a small grammar in the program has written, and nobody else: they show what a \
        network can do with an order of words, and nothing of how people write. --data names a table in CSV with a column of texts and one of classes.

          soma train sentiment
          soma predict runs/sentiment --text "the film was not bad, but the ending was dull."
          soma train sentiment --data reviews.csv text=review label=stars
          soma predict runs/sentiment new-reviews.txt
        """
    public var settings: [any AnySetting] {
        [
            Self.model, Self.text, Self.label, Self.vocabulary, Self.length, Self.units, Self.dropout, Self.batch, Self.rate, Self.clip, Self.heldOut,
        ]
    }
    public let data = DataNeed.file(
        "a table in CSV with a column of texts and one of classes", embedded: "2,500 sentences about films, written by a grammar")
    public let defaultEpochs = 6

    private static let classesKey = "text.classes"
    private static let lengthKey = "text.length"

    /// Settings and data come with the context of each run.
    public init() {}

    private static func network(_ settings: Settings, vocabulary: Int, classes: Int) -> TextClassifier {
        TextClassifier(settings[model], vocabularyCount: vocabulary, units: settings[units], classes: classes, dropout: settings[dropout])
    }

    private static func objective(_ network: TextClassifier, _ classes: [String]) -> Classification<TextClassifier> {
        Classification(network, input: "text", classes: classes)
    }

    /// The texts of a file, or those that the program holds; and the file, as far as its columns are used.
    private static func texts(
        _ path: String?, _ settings: Settings, known: [String]? = nil
    ) throws -> (texts: LabelledTexts, source: (any DataSource)?) {
        guard let path else { return (.embedded, nil) }
        let (table, names) = (try DataTable(path: path), [settings[text], settings[label]])
        return (try LabelledTexts(table, text: names[0], label: names[1], known: known), ColumnsOfTable(table, names))
    }

    // MARK: Training

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let settings = context.settings
        let (all, source) = try Self.texts(context.data, settings)
        let metadata = try context.metadata(of: source, isEither: true)
        let parts = try all.split(heldOut: settings[Self.heldOut], seed: context.seed, path: source?.path ?? "the embedded set")
        let tokenizer = try BytePairTokenizer(
            learningFrom: parts.training.texts.joined(separator: "\n"), vocabularyCount: settings[Self.vocabulary])
        let counts = try parts.training.texts.map { try tokenizer.encode($0).count }
        let input = TextInput(tokenizer, length: min(settings[Self.length], counts.max() ?? 1))
        let (training, heldOut) = (try TextSamples(parts.training, input), try TextSamples(parts.heldOut, input))
        let network = try context.model(trainedBy: Adam()) {
            Self.network(settings, vocabulary: tokenizer.vocabularyCount, classes: all.classes.count)
        }
        let clip = settings[Self.clip]
        let optimizer = try Optimizer(
            Adam(), for: network, learningRate: .constant(settings[Self.rate]), clipping: clip > 0 ? .byNorm(clip) : nil)
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        options.evaluationBatchSize = 250
        var experiment = Experiment(
            context, SupervisedTask(network, Self.objective(network, all.classes), optimizer), options, on: training, validatedOn: heldOut)
        let own = [
            LanguageText.tokenizerKey: tokenizer.json, Self.lengthKey: String(input.length),
            Self.classesKey: JSON.array(all.classes.map { .string($0) }).description,
        ]
        experiment.metadata = metadata.merging(own) { _, own in own }
        let cut = counts.count { $0 > input.length }
        experiment.remarks = [
            "\(training.count) texts of \(all.classes.count) classes to train on, \(heldOut.count) to test on; "
                + "\(tokenizer.vocabularyCount) tokens, \(input.length) a text at most"
        ] + all.remarks + (cut > 0 ? ["\(Quantity.counted(cut, "text")) to train on longer than that and cut"] : [])
        return experiment
    }

    // MARK: Answers

    private static func read(_ checkpoint: Checkpoint) throws -> (input: TextInput, classes: [String]) {
        let tokenizer = try LanguageText.tokenizer(of: checkpoint)
        let classes = checkpoint.metadata[classesKey].flatMap { try? JSON(parsing: $0) }?.array?.compactMap(\.string) ?? []
        guard let length = checkpoint.metadata[lengthKey].flatMap({ Int($0) }), (1...100_000).contains(length), classes.count > 1,
            Set(classes).count == classes.count
        else { throw SomaError("\(checkpoint.path) is broken: it does not say its classes and how long texts are") }
        return (TextInput(tokenizer, length: length), classes)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let (input, classes) = try Self.read(checkpoint)
        let network = try checkpoint.network(of: self, on: device) {
            Self.network($0, vocabulary: input.tokenizer.vocabularyCount, classes: classes.count)
        }
        return Session(network, input: .text(input), answer: .classes(classes), measured: Self.objective(network, classes), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in path: String?, isTrainedOn: Bool) throws -> TestData {
        let (saved, (input, classes)) = (try SavedRun(checkpoint), try Self.read(checkpoint))
        if path == nil, try checkpoint.dataFingerprint() != nil {
            throw UsageError("\(checkpoint.path) was trained on a table of its own: name it by --data")
        }
        let (all, source) = try Self.texts(path, saved.settings, known: classes)
        let isSame = try source.map { try checkpoint.comparison(with: $0, isTrainedOn: isTrainedOn, hasTestPart: false).isSame } ?? true
        let name = source?.path ?? "the embedded set"
        let texts = isSame ? try all.split(heldOut: saved.settings[Self.heldOut], seed: saved.seed, path: name).heldOut : all
        return TestData(
            dataSet: try TextSamples(texts, input), origin: "the \(texts.texts.count) texts \(isSame ? "held out of" : "of") \(name)",
            remarks: all.remarks)
    }
}
