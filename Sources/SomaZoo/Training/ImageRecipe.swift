import Soma

/// A recipe that trains a network on pictures in folders, one for each class.
protocol ImageRecipe: TrainingRecipe {
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
        let folder = "pictures, in a folder for each class, or in train and val that hold such folders"
        return Self.hasEmbeddedData
            ? .either(folder: folder, embedded: "1,797 digits of 8×8 pixels scaled up, a fifth of them held out")
            : .folder(folder, usual: nil)
    }

    public func fitted(_ context: RecipeContext) throws -> RecipeContext { try fitted(context, to: try folder(context)) }

    private func fitted(_ context: RecipeContext, to folder: ImageFolder?) throws -> RecipeContext {
        var context = context
        if folder == nil { try Self.images.fitToDigits(&context.settings, isResumed: context.checkpoint != nil) }
        let count = folder?.trainingCount ?? DigitsRecipe.dataSets.training.count
        return Self.training.fitted(context, to: count, accumulation: context.settings[Self.images.accumulate])
    }

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let found = try folder(context, labelledAs: try context.checkpoint.flatMap { try PictureClasses.read($0) } ?? [])
        let context = try fitted(context, to: found)
        let metadata = try context.metadata(of: found, isEither: Self.hasEmbeddedData)
        guard let folder = found else {
            let (training, heldOut) = DigitsRecipe.dataSets
            return try digits(context).experiment(training: training, test: heldOut)
        }
        let (images, settings) = (Self.images, context.settings)
        let heldOut = folder.validation(
            images.evaluation(settings), channels: settings[images.channels], unreadable: settings[images.isStrict] ? .fatal : .leftOut)
        var setup = classifier(context, folder)
        setup.metadata = metadata.merging(PictureClasses.metadata(folder.classes)) { own, _ in own }
        return try setup.experiment(training: training(folder, context), test: heldOut)
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let classes = try PictureClasses.read(checkpoint)
        let (images, saved) = (Self.images, try SavedRun(checkpoint).settings)
        let side = saved[images.side]
        let channels = classes == nil ? 1 : saved[images.channels]
        let network = try checkpoint.network(of: self, on: device) {
            Self.network($0, side: side, channels: channels, classes: classes?.count ?? DigitClasses.names.count)
        }
        guard let classes else {
            let input = PictureInput.ink(rows: 8, columns: 8, shape: [64])
            return Session(
                network, input: .picture(input), answer: .classes(DigitClasses.names), behind: ScaledDigits(side: side), device: device)
        }
        let input = PictureInput.photograph(images.evaluation(saved), channels: channels, side: side)
        return Session(network, input: .picture(input), answer: .classes(classes), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in path: String?, isTrainedOn: Bool) throws -> TestData {
        guard let classes = try PictureClasses.read(checkpoint) else {
            return try path.map {
                try .digits(in: $0, of: checkpoint, isTrainedOn: isTrainedOn, rows: 8, columns: 8, shape: [64])
            } ?? .embeddedDigits
        }
        guard let path else { throw needsFolder }
        let (images, saved) = (Self.images, try SavedRun(checkpoint).settings)
        var folder = try ImageFolder(path: path, validationFraction: 0, labelledAs: classes)
        try folder.require(classes: classes)
        let (isSame, remarks) = try checkpoint.comparison(with: folder, isTrainedOn: isTrainedOn, hasTestPart: folder.isSplit)
        var origin = folder.isSplit ? "the test pictures in \(path)" : "the pictures in \(path)"
        if isSame && !folder.isSplit {
            folder = try ImageFolder(path: path, validationFraction: saved[images.heldOut], labelledAs: classes)
            origin = "the pictures held out of \(path)"
        }
        return TestData(
            dataSet: folder.held(images.evaluation(saved), channels: saved[images.channels]), origin: origin,
            remarks: remarks + folder.remarks)
    }

    // MARK: Runs

    private var needsFolder: UsageError { UsageError("\(name) needs --data FOLDER with pictures, in a folder for each class") }

    /// The pictures; nil where none are named and the recipe has its own.
    private func folder(_ context: RecipeContext, labelledAs known: [String] = []) throws -> ImageFolder? {
        guard let path = context.data else {
            if Self.hasEmbeddedData { return nil }
            throw needsFolder
        }
        let folder = try ImageFolder(path: path, validationFraction: context.settings[Self.images.heldOut], labelledAs: known)
        try folder.requireHeldOut()
        return folder
    }

    private func training(_ folder: ImageFolder, _ context: RecipeContext) -> ImageFileDataSet {
        let (images, settings) = (Self.images, context.settings)
        return folder.training(
            images.training(settings), channels: settings[images.channels], seed: context.seed,
            unreadable: settings[images.isStrict] ? .fatal : .replaced)
    }

    private func classifier(_ context: RecipeContext, _ folder: ImageFolder) -> ClassifierSetup<Network> {
        let settings = context.settings
        var setup = ClassifierSetup(context: context, settings: Self.training) {
            Self.network(
                settings, side: settings[Self.images.side], channels: settings[Self.images.channels], classes: folder.classes.count)
        }
        setup.measuresTopFive = folder.classes.count > 5
        setup.accumulation = settings[Self.images.accumulate]
        // Where a batch has room to be trained on, it has room to be evaluated.
        setup.evaluationBatchSize = settings[Self.training.batch]
        let ignored = folder.ignoredCount > 0 ? "; files passed over: \(folder.ignoredCount)" : ""
        setup.remarks = ["\(folder.trainingCount) pictures of \(folder.classes.count) classes to train on, \(folder.validationCount) to test on\(ignored)"]
        setup.remarks += folder.remarks
        return setup
    }

    private func digits(_ context: RecipeContext) -> ClassifierSetup<Network> {
        let (settings, side) = (context.settings, context.settings[Self.images.side])
        let isShifted = settings[Self.images.augmentations].contains(.shift)
        var setup = ClassifierSetup(context: context, settings: Self.training) {
            Self.network(settings, side: side, channels: 1, classes: DigitClasses.names.count)
        }
        setup.augmentation = ScaledDigits(side: side, shift: isShifted ? max(1, side / 8) : 0)
        setup.measuresTopFive = true
        setup.accumulation = settings[Self.images.accumulate]
        return setup
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
