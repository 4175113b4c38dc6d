import Soma
import SomaGraph

/// A tree of questions about single columns that tells classes apart: CART with Gini's impurity, 1 - Σ p².
///
/// Of all thresholds midway between neighbouring numbers of all columns, each node takes the one after which the impurity of its sides, weighted by
/// their rows, is least; of equals the first column's lowest. L. Breiman, J. Friedman, R. Olshen, C. Stone, *Classification and Regression Trees*,
/// 1984.
public struct DecisionTreeClassifier: Estimator {
    /// When the tree stops growing.
    public var options: TreeOptions
    /// The α of minimal cost-complexity pruning: what a leaf must take from the impurity to stay (`ccp_alpha`). 0: nothing is pruned.
    public var pruningAlpha: Double
    /// Decides which columns are tried where not all are.
    public var seed: UInt64

    /// A tree that is grown by `options` and then pruned.
    public init(_ options: TreeOptions = TreeOptions(), pruningAlpha: Double = 0, seed: UInt64 = 0) {
        (self.options, self.pruningAlpha, self.seed) = (options, pruningAlpha, seed)
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> TreeClassifierModel {
        let tree = try grown(rows, targets, weights).pruned(alpha: pruningAlpha)
        return TreeClassifierModel([tree], columns: rows.columns, classCount: tree.outputs)
    }

    /// How the tree that these rows give would shrink with α.
    public func pruningPath(_ rows: Matrix, _ targets: [Int], weights: [Float]? = nil) throws -> PruningPath {
        try grown(rows, targets, weights).pruningPath()
    }

    private func grown(_ rows: Matrix, _ targets: [Int], _ weights: [Float]?) throws -> GrownTree {
        let data = try TreeData(rows, classes: targets, weights: weights)
        return try data.grow(options, seeds: TreeData.seeds(1, seed: seed), bootstrap: false, randomThresholds: false).trees[0]
    }
}

/// A tree of questions about single columns that predicts a number: CART with the variance as impurity; otherwise as `DecisionTreeClassifier`.
public struct DecisionTreeRegressor: Estimator {
    /// When the tree stops growing.
    public var options: TreeOptions
    /// The α of minimal cost-complexity pruning: what a leaf must take from the variance to stay (`ccp_alpha`). 0: nothing is pruned.
    public var pruningAlpha: Double
    /// Decides which columns are tried where not all are.
    public var seed: UInt64

    /// A tree that is grown by `options` and then pruned.
    public init(_ options: TreeOptions = TreeOptions(), pruningAlpha: Double = 0, seed: UInt64 = 0) {
        (self.options, self.pruningAlpha, self.seed) = (options, pruningAlpha, seed)
    }

    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> TreeRegressorModel {
        TreeRegressorModel([try grown(rows, targets, weights).pruned(alpha: pruningAlpha)], columns: rows.columns)
    }

    /// How the tree that these rows give would shrink with α.
    public func pruningPath(_ rows: Matrix, _ targets: [Float], weights: [Float]? = nil) throws -> PruningPath {
        try grown(rows, targets, weights).pruningPath()
    }

    private func grown(_ rows: Matrix, _ targets: [Float], _ weights: [Float]?) throws -> GrownTree {
        let data = try TreeData(rows, targets: targets, weights: weights)
        return try data.grow(options, seeds: TreeData.seeds(1, seed: seed), bootstrap: false, randomThresholds: false).trees[0]
    }
}

extension TreeData {
    init(_ rows: Matrix, classes: [Int], weights: [Float]?) throws {
        self.weights = try FitChecks.rows(rows, targets: classes.count, weights: weights)
        classCount = try FitChecks.classes(classes)
        (self.rows, self.classes, targets) = (rows, classes.map { Int32($0) }, nil)
    }

    init(_ rows: Matrix, targets: [Float], weights: [Float]?) throws {
        self.weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        try FitChecks.targets(targets)
        (self.rows, classes, self.targets, classCount) = (rows, nil, targets.map(Double.init), 0)
    }
}
