import Soma
import SomaGraph

/// A way to learn from rows of numbers: hyperparameters that are not learnt, and `fit`.
///
/// The same estimator, data and seed give the same fitted model, bit by bit, at any number of threads.
public protocol Estimator: Sendable {
    /// What is learnt: `Int` for classes, which are numbered from 0, `Float` for numbers.
    associatedtype Target: Sendable
    /// What comes of fitting.
    associatedtype Fitted: FittedModel where Fitted.Prediction == Target

    /// Learns the target of a row.
    /// - Parameters:
    ///   - rows: [rows, columns].
    ///   - targets: [rows]. Every class from 0 to the greatest must occur.
    ///   - weights: [rows]: how much each row counts; nil: 1 each. A row of weight 2 counts as two rows.
    /// - Throws: `SomaError` in one line where the data allow no model: no rows, a single one, one class, a number that is not finite, no memory.
    ///   Traps where there are not as many targets or weights as rows.
    func fit(_ rows: Matrix, _ targets: [Target], weights: [Float]?) throws -> Fitted
}

extension Estimator {
    /// Learns the target of a row; all rows count the same.
    public func fit(_ rows: Matrix, _ targets: [Target]) throws -> Fitted { try fit(rows, targets, weights: nil) }
}

/// What an estimator has learnt. It is a value, and can be written to named arrays and read back.
public protocol FittedModel: Hashable, Sendable {
    /// What is predicted for a row: `Int` for a class, `Float` for a number.
    associatedtype Prediction: Sendable

    /// A name for the kind of model, as checkpoints have it.
    static var kind: String { get }
    /// Numbers in a row.
    var columnCount: Int { get }

    /// The prediction for each row.
    /// - Throws: `SomaError` where a number of a row is not finite (a boosted model takes NaN as missing) or memory cannot be had.
    ///   Traps where rows are not `columnCount` long.
    func predictions(for rows: Matrix) throws -> [Prediction]

    /// All that is learnt, as arrays with names.
    var namedArrays: [String: NamedArray] { get }
    /// A model from its named arrays, which may come from anywhere.
    /// - Throws: `SomaError` where an array is missing, has another shape or holds what no model does.
    init(namedArrays: [String: NamedArray]) throws
}

/// A fitted model that tells classes apart.
public protocol FittedClassifier: FittedModel where Prediction == Int {
    /// How many classes are told apart; they are numbered from 0.
    var classCount: Int { get }

    /// [rows, classes]: the probability of each class; rows sum to 1.
    /// - Throws: as `predictions(for:)`.
    func probabilities(for rows: Matrix) throws -> Matrix
}

extension FittedClassifier {
    /// The most probable class of each row, the lowest of equals.
    public func predictions(for rows: Matrix) throws -> [Int] {
        let probabilities = try probabilities(for: rows)
        return probabilities.values.withUnsafeBufferPointer { values in
            (0..<rows.rows).map { row in greatestIndex(classCount) { values[row * classCount + $0] } }
        }
    }

    /// The share of rows whose class is predicted.
    public func accuracy(on rows: Matrix, _ classes: [Int]) throws -> Double {
        guard rows.rows == classes.count else { programError("accuracy", "\(classes.count) classes for \(rows.rows) rows") }
        let right = zip(try predictions(for: rows), classes).count { $0 == $1 }
        return Double(right) / Double(max(rows.rows, 1))
    }
}

/// The index of the greatest of `count` values, the lowest of equals.
func greatestIndex<Value: Comparable>(_ count: Int, _ value: (Int) -> Value) -> Int {
    var best = 0
    for index in 1..<max(count, 1) where value(index) > value(best) { best = index }
    return best
}

/// A fitted model that predicts a number.
public protocol FittedRegressor: FittedModel where Prediction == Float {}

extension FittedRegressor {
    /// The share of the targets' variance that is explained, R²: 1 less the sum of squared errors over the sum of squared distances from the mean.
    /// nil where the targets do not vary.
    public func explainedVariance(on rows: Matrix, _ targets: [Float]) throws -> Double? {
        guard rows.rows == targets.count else { programError("explainedVariance", "\(targets.count) targets for \(rows.rows) rows") }
        let mean = targets.reduce(0) { $0 + Double($1) } / Double(max(targets.count, 1))
        let spread = targets.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        guard spread > 0 else { return nil }
        let errors = zip(try predictions(for: rows), targets).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
        return 1 - errors / spread
    }
}
