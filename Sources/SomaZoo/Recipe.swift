import Soma

/// A model of the history of deep learning, with the data and the way of training that show what it could and could not
/// do.
///
/// A further recipe is one file and one line in `Recipes.all`.
public protocol Recipe: Sendable {
    /// What `soma train` takes: lower case with hyphens.
    var name: String { get }
    /// One line for the list of recipes.
    var summary: String { get }
    /// A paragraph for the recipe's own help: what it is, who came up with it, and what to look for.
    var discussion: String { get }
    /// What can be set by `key=value`, in the order in which help shows it.
    var settings: [any AnySetting] { get }
    /// What it trains on, and where that comes from.
    var data: DataNeed { get }
    /// Passes over the data unless told otherwise, and unless the data are few.
    var defaultEpochs: Int { get }

    /// The context with what suits the size of its data where nobody has chosen: batch size, learning rate, warm-up, epochs. `run` and
    /// `probe` do this by themselves; who wants to tell of it before a run looks at the data by this.
    /// - Throws: as `run`, where the data are missing; `UsageError` where a setting does not go with the data.
    func fitted(_ context: RecipeContext) throws -> RecipeContext

    /// What settings were, by their keys, before the recipe had them: what checkpoints mean that do not say them.
    var earlierSettings: [String: String] { get }

    /// Whether an interrupted run can be resumed.
    var keepsCheckpoints: Bool { get }

    /// Whether the data are dealt to folds where `RecipeContext.fold` asks for it.
    var takesFolds: Bool { get }

    /// Whether a run with these settings goes by steps, which can be watched, and does not fit a model at once.
    func trainsInSteps(by settings: Settings) -> Bool

    /// Trains to the end, or until it is interrupted.
    /// - Throws: `SomaError` where data is missing or broken, or the loss is no longer finite; `BackendError`; what
    ///   `context.observer` throws.
    @discardableResult
    func run(_ context: RecipeContext) throws -> RecipeResult

    /// The loss of the first minibatch and its gradients, not computed yet: what two devices are compared by.
    /// - Throws: as `run`.
    func probe(_ context: RecipeContext) throws -> [Tensor]

    /// The trained model of `checkpoint`, which answers.
    /// - Throws: `SomaError` where the checkpoint does not fit the recipe, or the recipe's models answer nothing that a command could ask.
    func session(_ checkpoint: Checkpoint, device: Device) throws -> Session

    /// Samples to evaluate the model of `checkpoint` by.
    /// - Parameters:
    ///   - folder: where they are; nil for the recipe's own, which were not trained on.
    ///   - isTrainedOn: whether this is the folder of the run. Its pictures must still be those of the run then, as nobody
    ///     could tell else which of them were held out.
    /// - Throws: `UsageError` where a folder is needed; `SomaError` where there is nothing in it, where it has classes that the
    ///   checkpoint does not know, where it has changed, or where the recipe has nothing to evaluate.
    func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData
}

extension Recipe {
    public var earlierSettings: [String: String] { [:] }
    public var keepsCheckpoints: Bool { true }
    public var takesFolds: Bool { false }

    public func trainsInSteps(by settings: Settings) -> Bool { true }

    public func fitted(_ context: RecipeContext) throws -> RecipeContext { context }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        throw SomaError("\(checkpoint.path) is of the recipe \(name), which has nothing to predict")
    }

    /// Samples in a folder that may be the run's or another.
    public func testData(of checkpoint: Checkpoint, in folder: String?) throws -> TestData {
        try testData(of: checkpoint, in: folder, isTrainedOn: false)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        throw SomaError("\(checkpoint.path) is of the recipe \(name), which has nothing to evaluate")
    }
}

/// What a recipe trains on.
public enum DataNeed: Hashable, Sendable {
    /// Data that the program holds; the text says what.
    case embedded(String)
    /// Files in the folder of `--data`; the text says what that holds, and `usual` where it is where none is named.
    case folder(String, usual: String?)
    /// Files in the folder of `--data`, or without one data that the program holds; the texts say which.
    case either(folder: String, embedded: String)
    /// The file of `--data`, or without one data that the program holds; the texts say which.
    case file(String, embedded: String)
}

/// What a run of a recipe is given. The caller prints, and writes what it wants of the events into the output folder.
public struct RecipeContext {
    /// Where the model is trained.
    public var device: Device
    /// Decides initial weights, the order of samples, and every other random number.
    public var seed: UInt64
    /// Passes over the data.
    public var epochs: Int {
        get { chosenEpochs ?? defaultEpochs }
        set { chosenEpochs = newValue }
    }
    private(set) var chosenEpochs: Int?
    private let defaultEpochs: Int
    /// The recipe's settings; those that nobody has set have their defaults.
    public var settings: Settings
    /// The folder or file with the data, for recipes that take one.
    public var data: String?
    /// The folder, which exists, for checkpoints and pictures; nil writes none.
    public var output: String?
    /// The part of the data that is held out, of a recipe that `takesFolds`; nil: what its settings say.
    public var fold: Fold?
    /// The checkpoint to resume from; nil begins anew.
    public var checkpoint: Checkpoint?
    /// Who is told of everything that happens, and asked after every training step whether to stop; nil for nobody.
    public var observer: (any RunObserver<RecipeEvent>)?

    /// A run with the recipe's own settings and epochs that reports to nobody.
    public init(_ recipe: any Recipe, device: Device = .current, seed: UInt64 = 0) {
        (self.device, self.seed, defaultEpochs, settings) = (device, seed, recipe.defaultEpochs, Settings(recipe))
    }

    /// Tells the observer.
    func report(_ event: RecipeEvent) throws { try observer?.note(event) }

    /// Whether the observer stops the run.
    func isInterrupted() -> Bool { observer?.isInterrupted() ?? false }
}

/// What a recipe tells while it runs.
public enum RecipeEvent: Sendable {
    /// The model that is about to be trained; a recipe that trains several tells of each.
    case model(ModelSummary)
    /// A step of a training loop.
    case training(TrainingEvent)
    /// The run, which is no training loop, stops because it was asked to; the text says where.
    case interrupted(String)
    /// A line of explanation.
    case message(String)
    /// Figures that are best read as a table.
    case table(Table)
    /// A file was written to the output folder: a picture.
    case file(path: String)
}

/// The parameters of a model.
public struct ModelSummary: Hashable, Sendable {
    /// A parameter.
    public struct Row: Hashable, Sendable {
        /// The path of properties that leads to it: `hidden.weight`.
        public let name: String
        /// The extents of the parameter.
        public let shape: Shape
    }

    /// What the model is called.
    public let title: String
    /// The parameters, in the order of their properties.
    public let rows: [Row]
    /// The elements of all parameters together.
    public var parameterCount: Int { rows.reduce(0) { $0 + $1.shape.count } }

    /// Lists the parameters of a model; nothing is computed.
    public init(_ title: String, _ model: some Module) {
        self.title = title
        rows = model.namedParameters.map { Row(name: $0.name, shape: $0.parameter.shape) }
    }
}

/// How a run ended.
public struct RecipeResult: Hashable, Sendable {
    /// What the last weights do on held-out samples.
    public var test = Report()
    /// Epochs that were trained, those before a resumption included.
    public var epochs = 0
    /// How long it took, in seconds of this run alone.
    public var seconds = 0.0
    /// Samples trained on per second, without the first step, which compiles; nil where it cannot be told.
    public var samplesPerSecond: Double?
    /// The checkpoint from which training can go on.
    public var checkpoint: String?
    /// Whether it ended because it was asked to.
    public var isInterrupted = false
    /// Further figures by name, such as the accuracy of each of several models.
    public var measures: [String: Double] = [:]

    /// A run without figures, which the recipe fills in.
    public init() {}
}
