import Soma

/// A multilayer perceptron, or a model that networks were compared with, predicts a column of a table from the others.
public struct TableRecipe: TrainingRecipe {
    static let target = Setting("target", "species", "the column to tell")
    static let kind = Setting("kind", TargetKind.auto, "whether the target is one of some classes or a number")
    static let features = Setting<[String]>("features", [], "the columns to tell it from; none: all that are of use")
    static let leaveOut = Setting<[String]>("leave-out", [], "columns to leave out")
    static let categories = Setting<[String]>("categories", [], "columns of whole numbers that are names of something, as a postal code is")
    static let heldOut = Setting("held-out", 0.2, "the share of rows that is tested on and not trained on", in: 0.01...0.9)
    static let members = Setting(
        "members", 5, "networks whose answers are averaged; each leaves out other rows, by which the best epoch is chosen", in: 1...100)
    static let validation = Setting(
        "validation", 0.15, "members=1: the share of rows that the best epoch is chosen by; 0: those tested on choose it", in: 0...0.9)
    static let weights = Setting("weights", ClassWeights.none, "what samples of rare classes count: none: as much as others")
    static let hidden = Setting<[Int]>("hidden", [64], "units of each hidden layer", eachIn: 1...65_536, count: 0...100)
    static let activation = Setting("activation", Activation.relu, "function behind each hidden layer")
    static let dropout = Setting("dropout", 0.3, "share of hidden units dropped in training", in: 0...0.95)
    static let batch = Setting("batch", 32, "samples per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 3e-3, "learning rate of AdamW", in: 0...100)
    static let decay = Setting("decay", 1e-2, "weight decay", in: 0...10)
    static let patience = Setting("patience", 20, "epochs without a better one after which the run ends; 0: never", in: 0...1_000_000)

    public let name = "table"
    public let summary = "a multilayer perceptron, or a rival of it, tells a column of a table (CSV) from the others"
    public let discussion = """
        Rows of a table in place of pictures: whether a credit is paid back, whether a tumour is malignant, how strong a concrete becomes. \
        Whether columns hold numbers or categories is told from the columns, missing values are seen to, and the target decides whether \
        classes are told or a number. Numbers are scaled by what the training part has, and all of this is kept in the checkpoint, so that \
        soma predict does the same with rows that it never saw. Without --data it tells the species of 344 penguins. A fifth of the rows \
        is only tested on. Of the others each of members=5 networks leaves out another fifth, and the best weights are those with the lowest \
        loss of rows by the networks that have left them out; without better ones for patience=20 epochs the run ends. What is told of a new \
        row is the mean of all. members=1 trains one network and leaves out the share validation=0.15.

        model=forest and others fit a rival of the network to the same rows and test it on the same rows: a tree (CART), a random forest, \
        extra-trees, boosted trees, a support vector machine (svm), a linear model (ridge or logistic regression), the nearest neighbours (knn) \
        or Bayes' rule for independent columns (bayes). They get categories as one-hot and numbers and missing ones as the network \
        does, learn from all rows that are not held out, and are fitted at once on the processor: there are no epochs and nothing for --resume to go \
        on with. A setting whose help names models is theirs alone; members, validation, hidden, activation, dropout, batch, lr, decay and \
        patience are the network's, and weights is for all but knn. The run folder gets tree.svg of a tree and, of trees, importances.svg.

          soma train table --data german_credit.csv target=risk weights=balanced
          soma cross-validate table --data german_credit.csv target=risk weights=balanced
          soma predict runs/table new.csv --output answers.csv
          soma train table --data german_credit.csv target=risk model=forest trees=500
        """
    public var settings: [any AnySetting] {
        [
            Self.model, Self.target, Self.kind, Self.features, Self.leaveOut, Self.categories, Self.heldOut, Self.members, Self.validation,
            Self.weights, Self.hidden, Self.activation, Self.dropout, Self.batch, Self.rate, Self.decay, Self.patience,
        ] + Self.estimatorSettings
    }
    public let data = DataNeed.file("a table in CSV, whose first line names the columns", embedded: "344 penguins of three species")
    public let defaultEpochs = 200
    public let takesFolds = true
    public let earlierSettings = ["members": "1"]

    /// Settings and data come with the context of each run.
    public init() {}

    static func choice(_ settings: Settings, isEmbedded: Bool) throws -> TableChoice {
        if !isEmbedded && !settings.isChosen(target) { throw UsageError("table needs target=COLUMN, the column of the file that is to be told") }
        let features = settings[features]
        return TableChoice(
            target: settings[target], kind: settings[kind].kind, features: features.isEmpty ? nil : features, leavingOut: settings[leaveOut],
            categories: settings[categories])
    }

    private static func network(_ settings: Settings, _ preparation: TablePreparation) -> TableNetwork {
        TableNetwork(
            preparation, hidden: settings[hidden], outputs: preparation.classNames?.count ?? 1, activation: settings[activation],
            dropout: settings[dropout], members: settings[members])
    }

    private static func objective(_ network: TableNetwork, _ preparation: TablePreparation, weights: [Float]?) -> any Objective {
        switch preparation.answer {
        case .classes(let names): TableClassification(network: network, classes: names, weights: weights)
        case .number(let scale): TableRegression(network: network, scale: scale)
        }
    }

    /// The context with the settings of its model alone.
    /// - Throws: `UsageError` where a setting of another model was chosen or, for a model that is fitted at once, more epochs than one or a run to
    ///   go on with.
    public func fitted(_ context: RecipeContext) throws -> RecipeContext {
        let (model, foreign) = (context.settings[Self.model], context.settings[Self.model].foreignKeys)
        if let key = settings.map(\.key).first(where: { foreign.contains($0) && context.settings.isChosen(key: $0) }) {
            let own = model.ownSettings.map(\.key).joined(separator: ", ")
            throw UsageError("\(key) is no setting of model=\(model.settingText), which has \(own)")
        }
        var fitted = context
        fitted.settings.leaveOut(foreign)
        if model.estimator == nil { return try withMembers(fitted) }
        if let checkpoint = context.checkpoint {
            throw UsageError("\(checkpoint.path) is of model=\(model.settingText), which was fitted at once: there is nothing to go on with")
        }
        if let epochs = context.chosenEpochs, epochs != 1 {
            throw UsageError("--epochs \(epochs): model=\(model.settingText) is fitted at once and has no epochs")
        }
        fitted.epochs = 1
        return fitted
    }

    /// Who says by which share of the rows the best epoch is chosen wants a single network.
    private func withMembers(_ context: RecipeContext) throws -> RecipeContext {
        var context = context
        let hasShare = context.settings.isChosen(Self.validation)
        if hasShare && !context.settings.isChosen(Self.members) { context.settings.choose(Self.members, 1) }
        if context.settings[Self.members] == 1 { return context }
        if hasShare {
            throw UsageError("validation= is of members=1: each of \(context.settings[Self.members]) networks leaves out a part of the rows")
        }
        context.settings.leaveOut([Self.validation.key])
        return context
    }

    public func trainsInSteps(by settings: Settings) -> Bool { settings[Self.model].estimator == nil }

    @discardableResult
    public func run(_ context: RecipeContext) throws -> RecipeResult {
        let context = try fitted(context)
        guard let kind = context.settings[Self.model].estimator else { return try trained(context) }
        return try TableFit(recipe: self, kind: kind, context: context).result()
    }

    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        try Self.requireNetwork(context.settings)
        return try probed(fitted(context))
    }

    private static func requireNetwork(_ settings: Settings) throws {
        let model = settings[model]
        guard model.estimator == nil else {
            throw UsageError("model=\(model.settingText) is no network: it has neither steps nor gradients to look at")
        }
    }

    /// The training of the network.
    /// - Throws: `UsageError` too where the model is none.
    public func experiment(_ context: RecipeContext) throws -> Experiment {
        try Self.requireNetwork(context.settings)
        let (settings, parts) = (context.settings, try TableParts(context.data, context.settings, seed: context.seed, fold: context.fold))
        let rule = AdamW(weightDecay: settings[Self.decay])
        let network = try context.model(trainedBy: rule) { Self.network(settings, parts.preparation) }
        let updates = parts.training.updatesPerEpoch(batchSize: settings[Self.batch])
        func schedule(_ epochs: Int) -> Schedule { .cosine(from: settings[Self.rate], over: max(1, epochs * updates)) }
        let optimizer = try Optimizer(rule, for: network, learningRate: schedule(context.epochs))
        let weights = settings[Self.weights] == .balanced && parts.preparation.classNames != nil ? parts.classWeights : nil
        let objective = Self.objective(network, parts.preparation, weights: weights)
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.patience = settings[Self.patience] == 0 ? nil : settings[Self.patience]
        options.divergenceAdvice = context.advice(lower: Self.rate)
        var experiment = Experiment(
            context, SupervisedTask(network, objective, optimizer), options, on: parts.training, validatedOn: parts.validation)
        experiment.metadata = try parts.metadata(context)
        experiment.remarks = parts.remarks + [try context.scheduleChange("cosine", schedule)].compactMap { $0 }
        // The last weights may be long past the best.
        if settings[Self.members] > 1 || settings[Self.validation] > 0 { (experiment.test, experiment.testsBest) = (parts.heldOut, true) }
        return experiment
    }

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let preparation = try checkpoint.tablePreparation()
        if let kind = try SavedRun(checkpoint).settings[Self.model].estimator {
            return try FittedTable(checkpoint, kind, preparation).session(preparation, on: device)
        }
        let network = try checkpoint.network(of: self, on: device) { Self.network($0, preparation) }
        let answer: SessionAnswer
        switch preparation.answer {
        case .classes(let names): answer = .classes(names)
        case .number(let scale): answer = .number(preparation.targetName, scale)
        }
        return Session(
            network, input: .row(preparation), answer: answer, measured: Self.objective(network, preparation, weights: nil), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in path: String?, isTrainedOn: Bool) throws -> TestData {
        let (saved, preparation) = (try SavedRun(checkpoint), try checkpoint.tablePreparation())
        let table = try path.map { try DataTable(path: $0) } ?? Penguins.table
        let source = ColumnsOfTable(table, preparation.columnNames)
        if try checkpoint.comparison(with: source, isTrainedOn: path == nil || isTrainedOn, hasTestPart: false).isSame {
            let parts = try TableParts(path, saved.settings, seed: saved.seed, fold: nil)
            return TestData(dataSet: parts.heldOut, origin: "the \(parts.heldOut.count) rows held out of \(table.path)", remarks: parts.heldOut.remarks)
        }
        let rows = try TableDataSet(table, preparation)
        return TestData(dataSet: rows, origin: "the \(rows.count) rows of \(table.path)", remarks: rows.remarks)
    }
}

/// Whether the target of a table is one of some classes or a number.
enum TargetKind: String, SettingChoice {
    case auto, classes, number

    var kind: TableChoice.TargetKind? {
        switch self {
        case .auto: nil
        case .classes: .classes
        case .number: .number
        }
    }
}

/// What samples of rare classes count.
enum ClassWeights: String, SettingChoice {
    case none, balanced
}
