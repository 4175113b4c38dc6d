import Soma
import SomaGraph

/// How the trees of a forest are made to differ.
public enum ForestKind: Hashable, Sendable {
    /// Each tree learns from as many rows as there are, drawn with replacement: L. Breiman, *Random Forests*, Machine Learning 45, 2001.
    case bootstrap
    /// Each tree learns from all rows, and thresholds are drawn between the least and the greatest number of a node, one for each column that is
    /// tried: P. Geurts, D. Ernst, L. Wehenkel, *Extremely Randomized Trees*, Machine Learning 63, 2006.
    case extraTrees
}

/// The mean of trees that are made to differ, for classes.
public struct RandomForestClassifier: Estimator {
    /// How many (`n_estimators`).
    public var trees: Int
    /// How the trees are made to differ.
    public var kind: ForestKind
    /// When each tree stops growing, and how many columns it tries at a split.
    public var options: TreeOptions
    /// Decides rows, columns and thresholds that are drawn.
    public var seed: UInt64

    /// Grown until leaves are pure, with √ of the columns tried at each split.
    public init(
        trees: Int = 100, kind: ForestKind = .bootstrap, options: TreeOptions = TreeOptions(features: .squareRoot), seed: UInt64 = 0
    ) {
        guard trees > 0 else { programError("RandomForestClassifier", "\(trees) trees are no forest") }
        (self.trees, self.kind, self.options, self.seed) = (trees, kind, options, seed)
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> TreeClassifierModel {
        let data = try TreeData(rows, classes: targets, weights: weights)
        let (grown, drawn) = try data.growForest(trees, kind, options, seed: seed)
        let ensemble = TreeEnsemble(grown, outputs: data.classCount)
        let accuracy = drawn.map { ensemble.outOfBagAccuracy(rows, targets, drawn: $0) } ?? nil
        return TreeClassifierModel(grown, columns: rows.columns, classCount: data.classCount, outOfBagAccuracy: accuracy)
    }
}

/// The mean of trees that are made to differ, for numbers.
public struct RandomForestRegressor: Estimator {
    /// How many (`n_estimators`).
    public var trees: Int
    /// How the trees are made to differ.
    public var kind: ForestKind
    /// When each tree stops growing, and how many columns it tries at a split.
    public var options: TreeOptions
    /// Decides rows, columns and thresholds that are drawn.
    public var seed: UInt64

    /// Grown until leaves are pure, with all columns tried at each split.
    public init(trees: Int = 100, kind: ForestKind = .bootstrap, options: TreeOptions = TreeOptions(), seed: UInt64 = 0) {
        guard trees > 0 else { programError("RandomForestRegressor", "\(trees) trees are no forest") }
        (self.trees, self.kind, self.options, self.seed) = (trees, kind, options, seed)
    }

    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> TreeRegressorModel {
        let data = try TreeData(rows, targets: targets, weights: weights)
        let (grown, drawn) = try data.growForest(trees, kind, options, seed: seed)
        let score = drawn.map { TreeEnsemble(grown, outputs: 1).outOfBagScore(rows, targets, drawn: $0) } ?? nil
        return TreeRegressorModel(grown, columns: rows.columns, outOfBagScore: score)
    }
}

extension TreeData {
    /// Trees, and which rows were drawn for each where not all were.
    fileprivate func growForest(_ count: Int, _ kind: ForestKind, _ options: TreeOptions, seed: UInt64) throws -> ([GrownTree], drawn: [UInt8]?) {
        let isDrawn = kind == .bootstrap
        let (trees, drawn) = try grow(options, seeds: Self.seeds(count, seed: seed), bootstrap: isDrawn, randomThresholds: !isDrawn)
        return (trees, isDrawn ? drawn : nil)
    }
}

extension TreeEnsemble {
    /// Over the rows that some tree was grown without; nil where there is none.
    fileprivate func outOfBagAccuracy(_ rows: Matrix, _ targets: [Int], drawn: [UInt8]) -> Double? {
        let (means, counts) = meansOutOfBag(for: rows, drawn: drawn)
        let judged = targets.indices.filter { counts[$0] > 0 }
        guard !judged.isEmpty else { return nil }
        let right = judged.count { row in greatestIndex(outputs) { means[row * outputs + $0] } == targets[row] }
        return Double(right) / Double(judged.count)
    }

    fileprivate func outOfBagScore(_ rows: Matrix, _ targets: [Float], drawn: [UInt8]) -> Double? {
        let (means, counts) = meansOutOfBag(for: rows, drawn: drawn)
        let judged = targets.indices.filter { counts[$0] > 0 }
        let mean = judged.reduce(0) { $0 + Double(targets[$1]) } / Double(max(judged.count, 1))
        let spread = judged.reduce(0) { $0 + (Double(targets[$1]) - mean) * (Double(targets[$1]) - mean) }
        guard spread > 0 else { return nil }
        return 1 - judged.reduce(0) { $0 + (Double(targets[$1]) - means[$1]) * (Double(targets[$1]) - means[$1]) } / spread
    }
}
