import Soma
import SomaGraph

/// A tree, or the mean of several, that gives the probabilities of classes: the shares of the classes among the rows of a leaf.
public struct TreeClassifierModel: FittedClassifier {
    public static let kind = "trees of classes"

    let trees: TreeEnsemble
    public let columnCount: Int
    /// By how much each column lowers the impurity of the training rows, as shares of the whole; the mean over trees.
    public let featureImportances: [Float]
    /// The share of training rows whose class the trees predict that were grown without them; nil where every tree saw every row.
    public let outOfBagAccuracy: Double?

    init(_ grown: [GrownTree], columns: Int, classCount: Int, outOfBagAccuracy: Double? = nil) {
        trees = TreeEnsemble(grown, outputs: classCount)
        columnCount = columns
        featureImportances = meanImportances(grown, columns: columns)
        // In the precision that it is written in.
        self.outOfBagAccuracy = outOfBagAccuracy.map { Double(Float($0)) }
    }

    /// How many classes a leaf has shares of.
    public var classCount: Int { trees.outputs }
    /// How many trees there are.
    public var treeCount: Int { trees.treeCount }
    /// Nodes of all trees together, leaves included.
    public var nodeCount: Int { trees.feature.count }

    public func probabilities(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: columnCount)
        return Matrix(rows: rows.rows, columns: classCount, values: floats(trees.means(for: rows)))
    }

    public var namedArrays: [String: NamedArray] {
        var arrays = trees.namedArrays
        arrays["importances"] = NamedArray(featureImportances)
        arrays["outOfBag"] = outOfBagAccuracy.map { NamedArray([Float($0)]) }
        return arrays
    }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        featureImportances = try reader.floats("importances").values
        columnCount = featureImportances.count
        trees = try TreeEnsemble(reader, columns: columnCount)
        guard trees.outputs > 1 else { throw reader.refusal("it has \(trees.outputs) classes") }
        guard trees.values.allSatisfy({ 0...1 ~= $0 }) else { throw reader.refusal("'values' holds a share that is not from 0 to 1") }
        outOfBagAccuracy = try namedArrays["outOfBag"].map { _ in Double(try reader.floats("outOfBag", shape: [1])[0]) }
    }
}

/// A tree, or the mean of several, that predicts a number: the mean of the targets of a leaf.
public struct TreeRegressorModel: FittedRegressor {
    public static let kind = "trees of numbers"

    let trees: TreeEnsemble
    public let columnCount: Int
    /// By how much each column lowers the variance of the training rows, as shares of the whole; the mean over trees.
    public let featureImportances: [Float]
    /// R² of the predictions by trees that were grown without a row; nil where every tree saw every row, or the targets do not vary.
    public let outOfBagScore: Double?

    init(_ grown: [GrownTree], columns: Int, outOfBagScore: Double? = nil) {
        trees = TreeEnsemble(grown, outputs: 1)
        columnCount = columns
        featureImportances = meanImportances(grown, columns: columns)
        // In the precision that it is written in.
        self.outOfBagScore = outOfBagScore.map { Double(Float($0)) }
    }

    /// How many trees there are.
    public var treeCount: Int { trees.treeCount }
    /// Nodes of all trees together, leaves included.
    public var nodeCount: Int { trees.feature.count }

    public func predictions(for rows: Matrix) throws -> [Float] {
        try FitChecks.prediction(rows, columns: columnCount)
        return floats(trees.means(for: rows))
    }

    public var namedArrays: [String: NamedArray] {
        var arrays = trees.namedArrays
        arrays["importances"] = NamedArray(featureImportances)
        arrays["outOfBag"] = outOfBagScore.map { NamedArray([Float($0)]) }
        return arrays
    }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        featureImportances = try reader.floats("importances").values
        columnCount = featureImportances.count
        trees = try TreeEnsemble(reader, columns: columnCount)
        guard trees.outputs == 1 else { throw reader.refusal("it has \(trees.outputs) numbers a leaf") }
        outOfBagScore = try namedArrays["outOfBag"].map { _ in Double(try reader.floats("outOfBag", shape: [1])[0]) }
    }
}

private func meanImportances(_ trees: [GrownTree], columns: Int) -> [Float] {
    var sums = [Double](repeating: 0, count: columns)
    for tree in trees {
        for (column, importance) in tree.importances(columns: columns).enumerated() { sums[column] += importance }
    }
    let total = sums.reduce(0, +)
    return sums.map { Float(total > 0 ? $0 / total : 0) }
}

/// In single precision.
func floats(_ values: [Double]) -> [Float] {
    [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
        values.withUnsafeBufferPointer { values in for index in values.indices { buffer[index] = Float(values[index]) } }
        count = values.count
    }
}
