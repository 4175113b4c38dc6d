import CEstimators
import Soma
import SomaGraph

/// The flattest function of a kernel that misses targets by no more than ε, or pays for what it misses more: ε-regression of V. Vapnik, *The Nature
/// of Statistical Learning Theory*, 1995; solved as `SupportVectorClassifier` is.
public struct SupportVectorRegressor: Estimator {
    /// The product of two rows that decides.
    public var kernel: VectorKernel
    /// How much an error beyond ε costs (`C`), times the weight of the row.
    public var c: Double
    /// The error that costs nothing (`epsilon`).
    public var epsilon: Double
    /// By how much the conditions of optimality may be missed (`tol`).
    public var tolerance: Double
    /// The most pairs of variables that are moved; nil: any number (`max_iter`).
    public var maxIterations: Int?
    /// Bytes for rows of kernels (`cache_size`).
    public var cacheBytes: Int

    /// A function within ε of targets. Traps where `c` or the tolerance is not above 0, or ε is negative.
    public init(
        kernel: VectorKernel = .radial(), c: Double = 1, epsilon: Double = 0.1, tolerance: Double = 1e-3, maxIterations: Int? = nil,
        cacheBytes: Int = 200 << 20
    ) {
        guard c > 0, epsilon >= 0, tolerance > 0 else {
            programError("SupportVectorRegressor", "c is \(c), ε \(epsilon), the tolerance \(tolerance)")
        }
        (self.kernel, self.c, self.epsilon) = (kernel, c, epsilon)
        (self.tolerance, self.maxIterations, self.cacheBytes) = (tolerance, maxIterations, cacheBytes)
    }

    public func fit(_ rows: Matrix, _ targets: [Float], weights: [Float]?) throws -> SupportVectorRegressorModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        try FitChecks.targets(targets)
        let kernelRows = KernelRows(rows, kernel.resolved(for: rows))
        try kernelRows.checkRange()
        let optimization = MinimalOptimization(rows: kernelRows, tolerance: tolerance, maxIterations: maxIterations, cacheBytes: cacheBytes)
        let upper = targets.indices.map { c * (weights?[$0] ?? 1) }
        let signs = [Int8](repeating: 1, count: rows.rows) + [Int8](repeating: -1, count: rows.rows)
        let problem = MinimalOptimization.Problem(
            points: targets.indices.map { Int32($0) }, signs: signs,
            linear: targets.map { epsilon - Double($0) } + targets.map { epsilon + Double($0) }, upper: upper + upper)
        let solution = try optimization.solve([problem])[0]
        var coefficients: [Int32: [(pair: Int, value: Double)]] = [:]
        for row in targets.indices {
            let value = solution.alpha[row] - solution.alpha[row + rows.rows]
            if value != 0 { coefficients[Int32(row)] = [(0, value)] }
        }
        return SupportVectorRegressorModel(VectorMachine(kernelRows, coefficients, offsets: [solution.offset]))
    }
}

/// What `SupportVectorRegressor` has learnt.
public struct SupportVectorRegressorModel: FittedRegressor {
    public static let kind = "support vectors of numbers"

    let machine: VectorMachine
    public var columnCount: Int { machine.vectors.columns }
    /// How many training rows decide.
    public var supportVectorCount: Int { machine.vectors.rows }

    init(_ machine: VectorMachine) { self.machine = machine }

    public func predictions(for rows: Matrix) throws -> [Float] { try machine.sums(for: rows).values }

    public var namedArrays: [String: NamedArray] { machine.namedArrays }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        machine = try VectorMachine(reader)
        guard machine.offsets.count == 1 else { throw reader.refusal("it has \(machine.offsets.count) outputs") }
    }
}
