import CEstimators
import Glibc
import Soma
import SomaGraph

/// Classes by Bayes' rule, as if the columns of a class were independent and normally distributed.
public struct GaussianNaiveBayes: Estimator {
    /// Added to variances, as a share of the greatest variance of a column (`var_smoothing`).
    public var smoothing: Double

    /// Normal distributions whose variances are smoothed. Traps where `smoothing` is negative.
    public init(smoothing: Double = 1e-9) {
        guard smoothing >= 0 else { programError("GaussianNaiveBayes", "a smoothing of \(smoothing)") }
        self.smoothing = smoothing
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> GaussianNaiveBayesModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        let classes = try FitChecks.classes(targets)
        let added = smoothing * (rows.statistics().variances.max() ?? 0)
        var means: [Double] = [], variances: [Double] = []
        for label in 0..<classes {
            let (mean, variance) = rows.statistics(weights: try ClassWeights.of(label, targets, weights))
            means += mean
            variances += variance.map { $0 + added }
        }
        guard variances.allSatisfy({ Float($0).isFinite }) else {
            throw SomaError("the variance of a column within a class is beyond float32", hint: "scale the columns")
        }
        guard variances.allSatisfy({ Float($0) > 0 }) else {
            throw SomaError("a column is constant within a class, and its variance is 0", hint: "take a greater smoothing")
        }
        let priors = ClassWeights.logarithmsOfShares(targets, weights, classes)
        let model = (mean: matrix(means, classes), variance: matrix(variances, classes))
        return GaussianNaiveBayesModel(means: model.mean, variances: model.variance, logPriors: floats(priors))
    }

    private func matrix(_ values: [Double], _ rows: Int) -> Matrix { Matrix(rows: rows, columns: values.count / rows, values: floats(values)) }
}

/// What `GaussianNaiveBayes` has learnt.
public struct GaussianNaiveBayesModel: FittedClassifier {
    public static let kind = "Gaussian naive Bayes"

    /// [classes, columns]
    public let means, variances: Matrix
    /// [classes]: the logarithm of each class's share of the rows.
    public let logPriors: [Float]
    public var columnCount: Int { means.columns }
    /// How many classes there are, one for each row of the means.
    public var classCount: Int { means.rows }

    init(means: Matrix, variances: Matrix, logPriors: [Float]) { (self.means, self.variances, self.logPriors) = (means, variances, logPriors) }

    public func probabilities(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: columnCount)
        let constants = (0..<classCount).map { label in
            Double(logPriors[label]) - variances[label].reduce(0) { $0 + log(2 * Double.pi * Double($1)) } / 2
        }
        var scores = [Double](repeating: 0, count: rows.rows * classCount)
        soma_gaussian_terms(
            rows.values, rows.rows, rows.columns, means.values.map(Double.init), variances.values.map { 1 / Double($0) }, constants, classCount,
            &scores)
        return Softmax.of(scores, outputs: classCount)
    }

    public var namedArrays: [String: NamedArray] {
        let shape = [classCount, columnCount]
        return [
            "means": NamedArray(shape: shape, means.values), "variances": NamedArray(shape: shape, variances.values),
            "logPriors": NamedArray(logPriors),
        ]
    }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        let (values, shape) = try reader.floats("means", axes: 2)
        guard shape[0] > 1, shape[1] > 0 else { throw reader.refusal("its means have the shape \(shape)") }
        means = Matrix(rows: shape[0], columns: shape[1], values: values)
        variances = Matrix(rows: shape[0], columns: shape[1], values: try reader.positive("variances", shape: shape))
        logPriors = try reader.floats("logPriors", shape: [shape[0]])
    }
}

/// Classes by Bayes' rule, where the numbers of a row count events that a class has in shares of its own, as words of a text.
public struct MultinomialNaiveBayes: Estimator {
    /// Added to the count of each column in each class (`alpha`).
    public var smoothing: Double

    /// Shares of events that are smoothed. Traps where `smoothing` is out of range.
    public init(smoothing: Double = 1) {
        guard smoothing > 0 else { programError("MultinomialNaiveBayes", "a smoothing of \(smoothing)") }
        self.smoothing = smoothing
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> MultinomialNaiveBayesModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        let classes = try FitChecks.classes(targets)
        if let at = rows.values.firstIndex(where: { $0 < 0 }) {
            throw SomaError("column \(at % rows.columns) of row \(at / rows.columns) is \(rows.values[at]), and counts are not negative")
        }
        let priors = ClassWeights.logarithmsOfShares(targets, weights, classes)
        var parameters: [Double] = []
        for label in 0..<classes {
            let own = try ClassWeights.of(label, targets, weights)
            let total = own.reduce(0, +)
            let counts = rows.statistics(weights: own).means.map { $0 * total + smoothing }
            let sum = counts.reduce(0, +)
            parameters += [priors[label]] + counts.map { log($0 / sum) }
        }
        return MultinomialNaiveBayesModel(Matrix(rows: classes, columns: rows.columns + 1, values: floats(parameters)))
    }
}

/// What `MultinomialNaiveBayes` has learnt.
public struct MultinomialNaiveBayesModel: FittedClassifier {
    public static let kind = "multinomial naive Bayes"

    /// [classes, 1 + columns]: the logarithms of the class's share of the rows, and of each column's share of its events.
    public let parameters: Matrix
    public var columnCount: Int { parameters.columns - 1 }
    /// How many classes there are.
    public var classCount: Int { parameters.rows }

    init(_ parameters: Matrix) { self.parameters = parameters }

    public func probabilities(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: columnCount)
        return Softmax.of(affine(rows, parameters.values.map(Double.init), outputs: classCount), outputs: classCount)
    }

    public var namedArrays: [String: NamedArray] { ["parameters": NamedArray(shape: [parameters.rows, parameters.columns], parameters.values)] }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        let (values, shape) = try reader.floats("parameters", axes: 2)
        guard shape[0] > 1, shape[1] > 1 else { throw reader.refusal("its parameters have the shape \(shape)") }
        parameters = Matrix(rows: shape[0], columns: shape[1], values: values)
    }
}

/// The weights of the rows of a class.
private enum ClassWeights {
    /// The weights of rows of one class, and 0 for others.
    static func of(_ label: Int, _ targets: [Int], _ weights: [Double]?) throws -> [Double] {
        let own = targets.indices.map { targets[$0] == label ? weights?[$0] ?? 1 : 0 }
        guard own.contains(where: { $0 > 0 }) else { throw SomaError("the weights of all rows of class \(label) are 0") }
        return own
    }

    static func logarithmsOfShares(_ targets: [Int], _ weights: [Double]?, _ classes: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: classes)
        for (row, target) in targets.enumerated() { sums[target] += weights?[row] ?? 1 }
        let total = sums.reduce(0, +)
        return sums.map { log($0 / total) }
    }
}
