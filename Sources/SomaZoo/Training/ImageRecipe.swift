import Soma

/// A recipe that trains a network on pictures in folders, one for each class.
protocol ImageRecipe: Recipe {
    associatedtype Network: Layer
    static var images: ImageSettings { get }
    static var training: TrainingSettings { get }
    /// What can be set of the network.
    static var own: [any AnySetting] { get }
    /// Whether it trains on the embedded digits, scaled up, where no folder is named.
    static var hasEmbeddedData: Bool { get }
    /// The network, untrained, for images [N, channels, side, side].
    static func network(_ settings: Settings, side: Int, channels: Int, classes: Int) -> Network
}

extension ImageRecipe {
    static var hasEmbeddedData: Bool { false }

    public var settings: [any AnySetting] { Self.own + Self.images.all + Self.training.all }

    public var data: DataNeed {
        let folder = "a folder of pictures for each class, or with train and val that hold these"
        return Self.hasEmbeddedData
            ? .either(folder: folder, embedded: "1,797 digits of 8×8 pixels scaled up, a fifth of them held out")
            : .folder(folder, usual: nil)
    }

    public func run(_ context: RecipeContext) throws -> RecipeResult {
        guard let folder = try folder(context) else {
            let (training, heldOut) = DigitsRecipe.dataSets
            return try digits(context).run(training: training, test: heldOut)
        }
        let (images, settings) = (Self.images, context.settings)
        let heldOut = folder.validation(
            images.evaluation(settings), channels: settings[images.channels], isStrict: settings[images.isStrict])
        return try classifier(context, folder).run(training: training(folder, context), test: heldOut)
    }

    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        guard let folder = try folder(context) else { return try digits(context).probe(training: DigitsRecipe.dataSets.training) }
        return try classifier(context, folder).probe(training: training(folder, context))
    }

    public func predictor(_ checkpoint: Checkpoint, device: Device) throws -> Predictor {
        let classes = try ImageClasses(checkpoint)
        let (images, saved) = (Self.images, try SavedRun(checkpoint).settings)
        let side = saved[images.side]
        let channels = classes == nil ? 1 : saved[images.channels]
        let network = try checkpoint.network(of: self, on: device) {
            Self.network($0, side: side, channels: channels, classes: classes?.names.count ?? DigitClasses.names.count)
        }
        guard let classes else {
            let input = PictureInput.ink(rows: 8, columns: 8, shape: [64])
            return Predictor(classes: DigitClasses.names, input: input, device: device, network, behind: ScaledDigits(side: side))
        }
        let input = PictureInput.photograph(images.evaluation(saved), channels: channels, side: side)
        return Predictor(classes: classes.names, input: input, device: device, network)
    }

    public func testData(of checkpoint: Checkpoint, in path: String?) throws -> TestData {
        guard let classes = try ImageClasses(checkpoint) else {
            return try path.map { try .digits(in: $0, rows: 8, columns: 8, shape: [64]) } ?? .embeddedDigits
        }
        guard let path else { throw needsFolder }
        let (images, saved) = (Self.images, try SavedRun(checkpoint).settings)
        var folder = try ImageFolder(path: path, validationFraction: 0)
        try folder.require(classes: classes.names)
        let isTrainedOn = folder.validationCount == 0 && folder.trainingCount == classes.pictureCount
        if isTrainedOn { folder = try ImageFolder(path: path, validationFraction: saved[images.heldOut]) }
        let dataSet = folder.held(images.evaluation(saved), channels: saved[images.channels])
        let kind = isTrainedOn ? "held out of" : folder.validationCount > 0 ? "to test on in" : "in"
        return TestData(dataSet: dataSet, origin: "the pictures \(kind) \(path)")
    }

    // MARK: Runs

    private var needsFolder: UsageError { UsageError("\(name) needs --data FOLDER with a folder of pictures for each class") }

    /// The pictures; nil where none are named and the recipe has its own.
    private func folder(_ context: RecipeContext) throws -> ImageFolder? {
        guard let path = context.data else {
            if Self.hasEmbeddedData { return nil }
            throw needsFolder
        }
        let folder = try ImageFolder(path: path, validationFraction: context.settings[Self.images.heldOut])
        if folder.validationCount == 0 { throw SomaError("\(path) holds too few pictures to hold some out") }
        if let checkpoint = context.checkpoint { try ImageClasses(checkpoint)?.require(folder, by: checkpoint) }
        return folder
    }

    private func training(_ folder: ImageFolder, _ context: RecipeContext) -> ImageFileDataSet {
        let (images, settings) = (Self.images, context.settings)
        return folder.training(
            images.training(settings), channels: settings[images.channels], seed: context.seed, isStrict: settings[images.isStrict])
    }

    private func classifier(_ context: RecipeContext, _ folder: ImageFolder) -> ClassifierRun<Network> {
        let settings = context.settings
        var run = ClassifierRun(recipe: self, context: context, settings: Self.training) {
            Self.network(
                settings, side: settings[Self.images.side], channels: settings[Self.images.channels], classes: folder.classes.count)
        }
        run.measuresTopFive = folder.classes.count > 5
        run.accumulation = settings[Self.images.accumulate]
        // Where a batch has room to be trained on, it has room to be evaluated.
        run.evaluationBatchSize = settings[Self.training.batch]
        run.metadata = ImageClasses(folder).metadata
        let ignored = folder.ignoredCount > 0 ? "; files passed over: \(folder.ignoredCount)" : ""
        run.remark = "\(folder.trainingCount) pictures of \(folder.classes.count) classes to train on, \(folder.validationCount) to test on\(ignored)"
        return run
    }

    private func digits(_ context: RecipeContext) -> ClassifierRun<Network> {
        let (settings, side) = (context.settings, context.settings[Self.images.side])
        let isShifted = settings[Self.images.augmentations].contains(.shift)
        var run = ClassifierRun(recipe: self, context: context, settings: Self.training) {
            Self.network(settings, side: side, channels: 1, classes: DigitClasses.names.count)
        }
        run.augmentation = ScaledDigits(side: side, shift: isShifted ? max(1, side / 8) : 0)
        run.measuresTopFive = true
        run.accumulation = settings[Self.images.accumulate]
        return run
    }
}

/// The embedded digits [n, 64] as pictures [n, 1, side, side], moved at random in training.
struct ScaledDigits: Layer {
    let side: Int
    var shift = 0

    func callAsFunction(_ x: Tensor) -> Tensor {
        let pictures = x.reshaped(to: [x.shape[0], 1, 8, 8]).upsampled(to: [side, side], .linear())
        return RandomShift(rows: side, columns: side, distance: shift)(pictures)
    }
}

/// What a checkpoint says of the pictures that a network was trained on.
struct ImageClasses {
    let names: [String]
    /// All pictures, those held out included.
    let pictureCount: Int

    private static let (namesKey, countKey) = ("classes", "pictures")

    init(_ folder: ImageFolder) { (names, pictureCount) = (folder.classes, folder.trainingCount + folder.validationCount) }

    /// Nil where it was trained on embedded data.
    /// - Throws: `SomaError` where the checkpoint is broken.
    init?(_ checkpoint: Checkpoint) throws {
        guard let text = checkpoint.metadata[Self.namesKey] else { return nil }
        let names = (try? JSON(parsing: text))?.array?.compactMap(\.string) ?? []
        guard names.count > 1, let count = checkpoint.metadata[Self.countKey].flatMap({ Int($0) }) else {
            throw SomaError("\(checkpoint.path) is broken: it does not say its classes")
        }
        (self.names, pictureCount) = (names, count)
    }

    var metadata: [String: String] {
        [Self.namesKey: JSON.array(names.map { .string($0) }).description, Self.countKey: String(pictureCount)]
    }

    /// - Throws: `SomaError` where a folder has other classes.
    func require(_ folder: ImageFolder, by checkpoint: Checkpoint) throws {
        if folder.classes == names { return }
        throw SomaError("\(folder.path) has other classes than those that \(checkpoint.path) was trained on")
    }
}
