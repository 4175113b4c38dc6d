import CEstimators
import Glibc
import Soma
import SomaGraph

/// Probabilities by the softmax of linear scores, bₖ + wₖ·x; of two classes by the logistic function of one.
///
/// Minimises c · Σ weight · -log p(class) + ½ ‖w‖² by L-BFGS in double precision. Columns are centred and scaled meanwhile, which changes the path
/// and not the minimum. D. R. Cox, *The Regression Analysis of Binary Sequences*, 1958.
public struct LogisticRegression: Estimator {
    /// How much the rows count against the penalty (`C`).
    public var c: Double
    /// The greatest derivative of the mean loss at which to stop (`tol`), by scaled columns.
    public var tolerance: Double
    /// The most steps (`max_iter`).
    public var maxIterations: Int

    /// Logistic regression with a penalty of 1 / `c`. Traps where `c` is not above 0 or not finite.
    public init(c: Double = 1, tolerance: Double = 1e-6, maxIterations: Int = 1000) {
        guard c > 0, c.isFinite else { programError("LogisticRegression", "c is \(c)") }
        (self.c, self.tolerance, self.maxIterations) = (c, tolerance, maxIterations)
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> LogisticModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        let classes = try FitChecks.classes(targets)
        let problem = Problem(rows: rows, classes: targets.map { Int32($0) }, weights: weights, outputs: classes == 2 ? 1 : classes, c: c)
        let (parameters, converged) = try LBFGS(tolerance: tolerance, maxIterations: maxIterations)
            .minimum(from: [Double](repeating: 0, count: problem.outputs * (rows.columns + 1)), problem.value)
        return LogisticModel(problem.unscaled(parameters), outputs: problem.outputs, didConverge: converged)
    }

    private struct Problem {
        let rows: Matrix
        let classes: [Int32]
        let weights: [Double]?
        let outputs: Int
        let c: Double
        let means, scales: [Double]

        init(rows: Matrix, classes: [Int32], weights: [Double]?, outputs: Int, c: Double) {
            (self.rows, self.classes, self.weights, self.outputs, self.c) = (rows, classes, weights, outputs, c)
            let (means, variances) = rows.statistics(weights: weights)
            // Second derivatives are then about the same for all parameters: those of the loss are about p(1 - p) times the variance, with
            // p = 1 / classes.
            let count = Double(max(outputs, 2)), total = weights?.reduce(0, +) ?? Double(rows.rows)
            let penalty = count * count / ((count - 1) * c * total)
            (self.means, scales) = (means, variances.map { ($0 + penalty).squareRoot() })
        }

        /// The mean loss with its share of the penalty, and its gradient.
        func value(_ parameters: [Double], _ gradient: inout [Double]) throws -> Double {
            let total = weights?.reduce(0, +) ?? Double(rows.rows)
            var loss = withOptionalPointer(weights) {
                soma_logistic_loss(rows.values, classes, $0, rows.rows, rows.columns, outputs, means, scales, parameters, &gradient)
            }
            guard loss.isFinite else { throw FitChecks.noMemory("for gradients of \(parameters.count) parameters") }
            let width = rows.columns + 1
            for index in parameters.indices where index % width > 0 {
                let scale = scales[index % width - 1]
                loss += 0.5 / c * (parameters[index] / scale) * (parameters[index] / scale)
                gradient[index] += parameters[index] / (c * scale * scale)
            }
            for index in gradient.indices { gradient[index] /= total }
            return loss / total
        }

        /// Parameters for rows as they are.
        func unscaled(_ parameters: [Double]) -> [Double] {
            var result = parameters
            let width = rows.columns + 1
            for output in 0..<outputs {
                for column in 0..<rows.columns {
                    let coefficient = parameters[output * width + 1 + column] / scales[column]
                    result[output * width + 1 + column] = coefficient
                    result[output * width] -= coefficient * means[column]
                }
            }
            return result
        }
    }
}

/// What `LogisticRegression` has learnt.
public struct LogisticModel: FittedClassifier {
    public static let kind = "logistic regression"

    /// [outputs, 1 + columns]: b and w of each class, in single precision; of class 1 alone where there are two.
    public var parameters: Matrix { Matrix(rows: outputs, columns: precise.count / outputs, values: floats(precise)) }
    /// The same in double precision, row by row.
    private let precise: [Double]
    private let outputs: Int
    /// Whether the tolerance was reached within the most steps.
    public let didConverge: Bool
    public var columnCount: Int { precise.count / outputs - 1 }
    /// How many classes there are: two of one row of parameters, else as many as rows.
    public var classCount: Int { max(outputs, 2) }

    init(_ parameters: [Double], outputs: Int, didConverge: Bool) {
        (precise, self.outputs, self.didConverge) = (parameters, outputs, didConverge)
    }

    public func probabilities(for rows: Matrix) throws -> Matrix {
        try FitChecks.prediction(rows, columns: columnCount)
        let scores = affine(rows, precise, outputs: outputs)
        return outputs == 1 ? Softmax.ofOne(scores) : Softmax.of(scores, outputs: outputs)
    }

    public var namedArrays: [String: NamedArray] {
        [
            "parameters": NamedArray(shape: [outputs, columnCount + 1], precise),
            "didConverge": NamedArray([didConverge ? 1 : 0] as [Int32]),
        ]
    }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        let (values, shape) = try reader.doubles("parameters", axes: 2)
        guard shape[0] > 0, shape[1] > 1 else { throw reader.refusal("its parameters have the shape \(shape)") }
        (precise, outputs) = (values, shape[0])
        didConverge = try reader.integer("didConverge", in: 0...1) == 1
    }
}
