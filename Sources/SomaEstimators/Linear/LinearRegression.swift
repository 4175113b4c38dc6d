import CEstimators
import Soma
import SomaGraph

/// y ≈ b + w·x by least squares, Σ weight · (y - b - w·x)² + l2 ‖w‖², solved by Cholesky's decomposition in double precision.
///
/// Without a penalty it is linear regression; a column that is a combination of columns before it, a constant one too, then has the coefficient 0.
/// With one it is ridge regression: A. E. Hoerl, R. W. Kennard, *Ridge Regression*, Technometrics 12(1), 1970.
public struct LinearRegression: Estimator {
    /// The penalty of coefficients, the intercept's apart (`alpha` of `Ridge`).
    public var l2: Double

    /// Least squares or, with `l2` above 0, ridge regression. Traps where `l2` is negative.
    public init(l2: Double = 0) {
        guard l2 >= 0 else { programError("LinearRegression", "a penalty of \(l2)") }
        self.l2 = l2
    }

    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> LinearModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        try FitChecks.targets(targets)
        let (columns, width) = (rows.columns, rows.columns + 1)
        let means = rows.statistics(weights: weights).means + Matrix(rows: rows.rows, columns: 1, values: targets).statistics(weights: weights).means
        let (elements, overflows) = width.multipliedReportingOverflow(by: width)
        guard !overflows, elements < 1 << 32 else { throw SomaError("\(columns) columns are too many for linear regression") }
        var moments = [Double](repeating: 0, count: elements)
        let succeeded = withOptionalPointer(weights) { soma_moments(rows.values, targets, means, $0, rows.rows, columns, 1, &moments) }
        guard succeeded else { throw FitChecks.noMemory("for the products of \(columns) columns") }
        let coefficients = solve(moments, columns)
        let intercept = means[columns] - zip(coefficients, means).reduce(0) { $0 + $1.0 * $1.1 }
        return LinearModel(intercept: intercept, coefficients: coefficients)
    }

    /// Columns are scaled to a diagonal of 1 meanwhile, so that units do not matter to what is taken for 0.
    private func solve(_ moments: [Double], _ columns: Int) -> [Double] {
        let width = columns + 1
        let scales = (0..<columns).map { column in
            let squares = moments[column * width + column] + l2
            return squares > 0 ? 1 / squares.squareRoot() : 0
        }
        var matrix = [Double](repeating: 0, count: columns * columns)
        var result = (0..<columns).map { moments[$0 * width + columns] * scales[$0] }
        for row in 0..<columns {
            for column in 0..<columns { matrix[row * columns + column] = moments[row * width + column] * scales[row] * scales[column] }
            if scales[row] > 0 { matrix[row * columns + row] = 1 }
        }
        soma_solve_symmetric(&matrix, columns, &result)
        return zip(result, scales).map { $0 * $1 }
    }
}

/// What `LinearRegression` has learnt: b and w.
public struct LinearModel: FittedRegressor {
    public static let kind = "linear regression"

    /// b, the prediction for a row of zeros.
    public let intercept: Double
    /// w, one for each column.
    public let coefficients: [Double]
    public var columnCount: Int { coefficients.count }

    init(intercept: Double, coefficients: [Double]) { (self.intercept, self.coefficients) = (intercept, coefficients) }

    public func predictions(for rows: Matrix) throws -> [Float] {
        try FitChecks.prediction(rows, columns: columnCount)
        return floats(affine(rows, [intercept] + coefficients, outputs: 1))
    }

    public var namedArrays: [String: NamedArray] { ["intercept": NamedArray([intercept]), "coefficients": NamedArray(coefficients)] }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        let (intercepts, shape) = try reader.doubles("intercept")
        guard shape == [1] else { throw reader.refusal("'intercept' has the shape \(shape), not [1]") }
        (intercept, coefficients) = (intercepts[0], try reader.doubles("coefficients").values)
        guard !coefficients.isEmpty else { throw reader.refusal("it has no coefficients") }
    }
}

/// [rows, outputs]: p₀ + Σ pᵢ₊₁ xᵢ for the parameters p of each output, [outputs, columns + 1].
func affine(_ rows: Matrix, _ parameters: [Double], outputs: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: rows.rows * outputs)
    soma_linear_sums(rows.values, rows.rows, rows.columns, parameters, outputs, &sums)
    return sums
}
