import CEstimators
import Soma
import SomaGraph

/// A sum of trees that tells classes apart: by the logistic loss two, by the softmax of a sum for each class more.
public struct GradientBoostingClassifier: Estimator {
    /// How trees are grown and when rounds end.
    public var options: BoostingOptions

    /// Boosting by these options; their ranges are checked when it is fitted.
    public init(_ options: BoostingOptions = BoostingOptions()) { self.options = options }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> BoostedClassifierModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights, allowsMissing: true)
        let classes = try FitChecks.classes(targets)
        let boosting = Boosting(options: options, loss: classes == 2 ? SOMA_LOGISTIC : SOMA_SOFTMAX, outputs: classes == 2 ? 1 : classes)
        return BoostedClassifierModel(try boosting.fit(.init(rows: rows, targets: targets.map(Double.init), weights: weights)))
    }
}

/// A sum of trees that predicts a number, by the squared error.
public struct GradientBoostingRegressor: Estimator {
    /// How trees are grown and when rounds end.
    public var options: BoostingOptions

    /// Boosting by these options; their ranges are checked when it is fitted.
    public init(_ options: BoostingOptions = BoostingOptions()) { self.options = options }

    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> BoostedRegressorModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights, allowsMissing: true)
        try FitChecks.targets(targets)
        let boosting = Boosting(options: options, loss: SOMA_SQUARED_ERROR, outputs: 1)
        return BoostedRegressorModel(try boosting.fit(.init(rows: rows, targets: targets.map(Double.init), weights: weights)))
    }
}

/// What `GradientBoostingClassifier` has learnt. NaN in a row is a missing number.
public struct BoostedClassifierModel: FittedClassifier {
    public static let kind = "boosted trees of classes"

    let trees: BoostedTrees
    public var columnCount: Int { trees.columns }
    /// How many classes there are: two of one sum, else as many as sums.
    public var classCount: Int { max(trees.outputs, 2) }
    /// Rounds that were kept.
    public var rounds: Int { trees.rounds }
    /// What splits by each column have gained, as shares of the whole.
    public var featureImportances: [Float] { trees.importances }

    init(_ trees: BoostedTrees) { self.trees = trees }

    public func probabilities(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: columnCount, allowsMissing: true)
        let sums = trees.sums(for: rows)
        return trees.outputs == 1 ? Softmax.ofOne(sums) : Softmax.of(sums, outputs: trees.outputs)
    }

    public var namedArrays: [String: NamedArray] { trees.namedArrays }

    public init(namedArrays: [String: NamedArray]) throws { trees = try BoostedTrees(NamedArrayReader(arrays: namedArrays, kind: Self.kind)) }
}

/// What `GradientBoostingRegressor` has learnt. NaN in a row is a missing number.
public struct BoostedRegressorModel: FittedRegressor {
    public static let kind = "boosted trees of numbers"

    let trees: BoostedTrees
    public var columnCount: Int { trees.columns }
    /// Rounds that were kept.
    public var rounds: Int { trees.rounds }
    /// What splits by each column have gained, as shares of the whole.
    public var featureImportances: [Float] { trees.importances }

    init(_ trees: BoostedTrees) { self.trees = trees }

    public func predictions(for rows: Matrix) throws -> [Float] {
        try FitChecks.prediction(rows, columns: columnCount, allowsMissing: true)
        return floats(trees.sums(for: rows))
    }

    public var namedArrays: [String: NamedArray] { trees.namedArrays }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        trees = try BoostedTrees(reader)
        guard trees.outputs == 1 else { throw reader.refusal("it has \(trees.outputs) outputs") }
    }
}
