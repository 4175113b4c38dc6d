import Soma
import SomaEstimators

/// A fitted model with what there is to tell and to show of it.
struct Fit<Model> {
    let model: Model
    /// What it has become, in half a sentence.
    var remark: String
    /// The share of each column in what questions have gained; empty where the model asks none.
    var importances: [Float] = []
    /// Draws its tree, where it is one.
    var draw: ((TreeDrawing) -> String)?
}

/// An estimator by the settings of a run.
struct TableEstimator {
    let kind: EstimatorKind
    let settings: Settings
    let seed: UInt64

    private var treeOptions: TreeOptions {
        let (depth, leaf) = (settings[TableRecipe.depth], settings[TableRecipe.leaf])
        return TreeOptions(maxDepth: depth == 0 ? nil : depth, minRowsInLeaf: max(leaf, 1))
    }

    private func forestOptions(_ rows: Matrix, usual: FeatureChoice) throws -> TreeOptions {
        var options = treeOptions
        options.features = try settings[TableRecipe.splitColumns].choice(of: rows.columns, usual: usual)
        return options
    }

    private var boostingOptions: BoostingOptions {
        var options = BoostingOptions()
        (options.rounds, options.learningRate) = (settings[TableRecipe.rounds], settings[TableRecipe.shrinkage])
        (options.maxLeaves, options.maxDepth) = (settings[TableRecipe.leaves], treeOptions.maxDepth)
        if settings[TableRecipe.leaf] > 0 { options.minRowsInLeaf = settings[TableRecipe.leaf] }
        if settings[TableRecipe.stopAfter] > 0 {
            options.earlyStopping = .init(share: settings[TableRecipe.stopShare], patience: settings[TableRecipe.stopAfter])
        }
        options.seed = seed
        return options
    }

    private var kernel: VectorKernel {
        let gamma = settings[TableRecipe.gamma]
        return switch settings[TableRecipe.kernel] {
        case .radial: .radial(gamma: gamma == 0 ? .scale : .value(Float(gamma)))
        case .linear: .linear
        }
    }

    // MARK: Classes

    /// - Parameter weights: what each row counts; nil: all the same.
    func fit(_ rows: Matrix, classes: [Int], weights: [Float]?) throws -> Fit<any FittedClassifier> {
        switch kind {
        case .tree:
            let model = try DecisionTreeClassifier(treeOptions, pruningAlpha: settings[TableRecipe.pruning], seed: seed)
                .fit(rows, classes, weights: weights)
            return Fit(model: model, remark: Self.nodes(model.nodeCount), importances: model.featureImportances) { $0.svg(model) }
        case .forest(let kind):
            let options = try forestOptions(rows, usual: .squareRoot)
            let model = try RandomForestClassifier(trees: settings[TableRecipe.trees], kind: kind, options: options, seed: seed)
                .fit(rows, classes, weights: weights)
            let outOfBag = model.outOfBagAccuracy.map { ", accuracy \(Quantity.fixed($0, 4)) on rows that trees were not grown with" } ?? ""
            let remark = Self.trees(model.treeCount, nodes: model.nodeCount) + outOfBag
            return Fit(model: model, remark: remark, importances: model.featureImportances)
        case .boosted:
            let model = try GradientBoostingClassifier(boostingOptions).fit(rows, classes, weights: weights)
            return Fit(model: model, remark: Quantity.counted(model.rounds, "round"), importances: model.featureImportances)
        case .svm:
            guard !settings.isChosen(TableRecipe.epsilon) else {
                throw UsageError("epsilon is for numbers: the target is a class, and a row on the wrong side of its margin always costs")
            }
            let model = try SupportVectorClassifier(kernel: kernel, c: settings[TableRecipe.c], fitsProbabilities: true, seed: seed)
                .fit(rows, classes, weights: weights)
            return Fit(model: model, remark: Self.vectors(model.supportVectorCount, of: rows))
        case .linear:
            guard settings[TableRecipe.penalty] > 0 else {
                throw UsageError("penalty=0 is for numbers: coefficients that part classes without an error grow without end")
            }
            let model = try LogisticRegression(c: 1 / settings[TableRecipe.penalty]).fit(rows, classes, weights: weights)
            let remark = "logistic regression" + (model.didConverge ? "" : ", which has not come to rest")
            return Fit(model: model, remark: remark)
        case .knn:
            let model = try NeighboursClassifier(count: settings[TableRecipe.neighbours], weighting: settings[TableRecipe.voting].weighting)
                .fit(rows, classes, weights: nil)
            return Fit(model: model, remark: "\(Quantity.counted(rows.rows, "row")) to look for neighbours in")
        case .bayes:
            let model = try GaussianNaiveBayes(smoothing: settings[TableRecipe.smoothing]).fit(rows, classes, weights: weights)
            return Fit(model: model, remark: "a mean and a variance of each column for each class")
        }
    }

    // MARK: Numbers

    func fit(_ rows: Matrix, targets: [Float]) throws -> Fit<any FittedRegressor> {
        switch kind {
        case .tree:
            let model = try DecisionTreeRegressor(treeOptions, pruningAlpha: settings[TableRecipe.pruning], seed: seed).fit(rows, targets)
            return Fit(model: model, remark: Self.nodes(model.nodeCount), importances: model.featureImportances) { $0.svg(model) }
        case .forest(let kind):
            let options = try forestOptions(rows, usual: .all)
            let model = try RandomForestRegressor(trees: settings[TableRecipe.trees], kind: kind, options: options, seed: seed)
                .fit(rows, targets)
            let outOfBag = model.outOfBagScore.map { ", R² \(Quantity.fixed($0, 4)) on rows that trees were not grown with" } ?? ""
            let remark = Self.trees(model.treeCount, nodes: model.nodeCount) + outOfBag
            return Fit(model: model, remark: remark, importances: model.featureImportances)
        case .boosted:
            let model = try GradientBoostingRegressor(boostingOptions).fit(rows, targets)
            return Fit(model: model, remark: Quantity.counted(model.rounds, "round"), importances: model.featureImportances)
        case .svm:
            let model = try SupportVectorRegressor(kernel: kernel, c: settings[TableRecipe.c], epsilon: settings[TableRecipe.epsilon])
                .fit(rows, targets)
            return Fit(model: model, remark: Self.vectors(model.supportVectorCount, of: rows))
        case .linear:
            let penalty = settings[TableRecipe.penalty]
            return Fit(model: try LinearRegression(l2: penalty).fit(rows, targets), remark: penalty > 0 ? "ridge regression" : "least squares")
        case .knn:
            let model = try NeighboursRegressor(count: settings[TableRecipe.neighbours], weighting: settings[TableRecipe.voting].weighting)
                .fit(rows, targets)
            return Fit(model: model, remark: "\(Quantity.counted(rows.rows, "row")) to look for neighbours in")
        case .bayes: throw UsageError("model=bayes tells classes, and the target is a number")
        }
    }

    private static func nodes(_ count: Int) -> String { "a tree of \(Quantity.counted(count, "node"))" }
    private static func trees(_ count: Int, nodes: Int) -> String {
        "\(Quantity.counted(count, "tree")) of \(Quantity.counted(nodes, "node")) together"
    }
    private static func vectors(_ count: Int, of rows: Matrix) -> String {
        "\(Quantity.grouped(count)) of \(Quantity.counted(rows.rows, "row")) are support vectors"
    }
}
