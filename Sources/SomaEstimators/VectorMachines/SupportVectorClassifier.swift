import CEstimators
import Soma
import SomaGraph

/// The widest margin between each pair of classes, in the space of a kernel: C. Cortes, V. Vapnik, *Support-Vector Networks*, Machine Learning 20,
/// 1995.
///
/// Solved by sequential minimal optimisation with second-order information (R.-E. Fan, P.-H. Chen, C.-J. Lin, JMLR 6, 2005). Of more than two
/// classes each pair votes; of equal votes the lowest class is predicted.
public struct SupportVectorClassifier: Estimator {
    /// The product of two rows that decides.
    public var kernel: VectorKernel
    /// How much a row on the wrong side of its margin costs (`C`), times its weight.
    public var c: Double
    /// By how much the conditions of optimality may be missed (`tol`).
    public var tolerance: Double
    /// The most pairs of rows that are moved; nil: any number (`max_iter`).
    public var maxIterations: Int?
    /// Whether probabilities are fitted to decisions, with five times the work (`probability`); without, they are the shares of the votes.
    public var fitsProbabilities: Bool
    /// Bytes for rows of kernels (`cache_size`). Where it holds the kernels of a pair of classes they are computed at once by a matrix product.
    public var cacheBytes: Int
    /// Decides how rows are parted where probabilities are fitted.
    public var seed: UInt64

    /// A machine for each pair of classes. Traps where `c` or the tolerance is not above 0.
    public init(
        kernel: VectorKernel = .radial(), c: Double = 1, tolerance: Double = 1e-3, maxIterations: Int? = nil, fitsProbabilities: Bool = false,
        cacheBytes: Int = 200 << 20, seed: UInt64 = 0
    ) {
        guard c > 0, tolerance > 0 else { programError("SupportVectorClassifier", "c is \(c), the tolerance \(tolerance)") }
        (self.kernel, self.c, self.tolerance, self.maxIterations) = (kernel, c, tolerance, maxIterations)
        (self.fitsProbabilities, self.cacheBytes, self.seed) = (fitsProbabilities, cacheBytes, seed)
    }

    public func fit(_ rows: Matrix, _ targets: [Int], weights: [Float]?) throws -> SupportVectorClassifierModel {
        let weights = try FitChecks.rows(rows, targets: targets.count, weights: weights)
        let classes = try FitChecks.classes(targets)
        let kernelRows = KernelRows(rows, kernel.resolved(for: rows))
        try kernelRows.checkRange()
        let optimization = MinimalOptimization(rows: kernelRows, tolerance: tolerance, maxIterations: maxIterations, cacheBytes: cacheBytes)
        // Rows of weight 0 take no part.
        let members = (0..<classes).map { label in targets.indices.filter { targets[$0] == label && (weights?[$0] ?? 1) > 0 }.map { Int32($0) } }
        if let empty = members.firstIndex(where: \.isEmpty) { throw SomaError("the weights of all rows of class \(empty) are 0") }
        let pairs = ClassPairs(members: members, costs: { c * (weights?[Int($0)] ?? 1) })
        let solutions = try optimization.solve(pairs.problems)
        let sigmoids = fitsProbabilities ? try PlattScaling(optimization, seed: seed).sigmoids(for: pairs.problems) : []
        return SupportVectorClassifierModel(pairs, solutions, kernelRows, sigmoids)
    }
}

/// Every pair of classes, the lower first: rows of the lower have the sign 1.
struct ClassPairs {
    /// The rows of each class.
    let members: [[Int32]]
    let costs: (Int32) -> Double

    var pairs: [(first: Int, second: Int)] { members.indices.flatMap { first in (first + 1..<members.count).map { (first, $0) } } }

    var problems: [MinimalOptimization.Problem] {
        pairs.map { first, second in
            let points = members[first] + members[second]
            let signs = [Int8](repeating: 1, count: members[first].count) + [Int8](repeating: -1, count: members[second].count)
            return .init(points: points, signs: signs, linear: [Double](repeating: -1, count: points.count), upper: points.map(costs))
        }
    }
}

/// What `SupportVectorClassifier` has learnt: the rows that decide, and how much each does for each pair of classes.
public struct SupportVectorClassifierModel: FittedClassifier {
    public static let kind = "support vectors of classes"

    let machine: VectorMachine
    /// How many classes there are; each pair of them has a machine.
    public let classCount: Int
    /// [pairs, 2]: A and B of p(first class) = 1 / (1 + exp(A · decision + B)); empty where no probabilities were fitted.
    let sigmoids: [Float]
    public var columnCount: Int { machine.vectors.columns }
    /// How many training rows decide.
    public var supportVectorCount: Int { machine.vectors.rows }
    private var pairCount: Int { classCount * (classCount - 1) / 2 }

    init(_ pairs: ClassPairs, _ solutions: [MinimalOptimization.Solution], _ rows: KernelRows, _ sigmoids: [(a: Double, b: Double)]) {
        classCount = pairs.members.count
        self.sigmoids = sigmoids.flatMap { [Float($0.a), Float($0.b)] }
        var coefficients: [Int32: [(pair: Int, value: Double)]] = [:]
        for (pair, (problem, solution)) in zip(pairs.problems, solutions).enumerated() {
            for (index, alpha) in solution.alpha.enumerated() where alpha > 0 {
                coefficients[problem.points[index], default: []].append((pair, alpha * Double(problem.signs[index])))
            }
        }
        machine = VectorMachine(rows, coefficients, offsets: solutions.map(\.offset))
    }

    /// [rows, pairs]: how far each row is on the side of the lower class of each pair, 0 against 1, 0 against 2, …; negative on the other.
    public func decisions(for rows: Matrix) throws -> Matrix { try machine.sums(for: rows) }

    /// The class that most pairs are for, the lowest of equals.
    public func predictions(for rows: Matrix) throws -> [Int] {
        let votes = votes(try decisions(for: rows))
        return (0..<rows.rows).map { row in greatestIndex(classCount) { votes[row * classCount + $0] } }
    }

    private func votes(_ decisions: Matrix) -> [Float] {
        var votes = [Float](repeating: 0, count: decisions.rows * classCount)
        for row in 0..<decisions.rows {
            var pair = row * pairCount
            for first in 0..<classCount {
                for second in first + 1..<classCount {
                    votes[row * classCount + (decisions.values[pair] > 0 ? first : second)] += 1
                    pair += 1
                }
            }
        }
        return votes
    }

    /// Where probabilities were fitted, those that agree best with those of the pairs, and their greatest need not be the class with most votes;
    /// else the shares of the votes.
    public func probabilities(for rows: Matrix) throws -> Matrix {
        let decisions = try decisions(for: rows)
        guard !sigmoids.isEmpty else {
            return Matrix(rows: rows.rows, columns: classCount, values: votes(decisions).map { $0 / Float(pairCount) })
        }
        let values = (0..<rows.rows).flatMap { row in
            let pairs = (0..<pairCount).map { pair in
                PlattScaling.probability(Double(decisions[row, pair]), Double(sigmoids[2 * pair]), Double(sigmoids[2 * pair + 1]))
            }
            return floats(PairwiseCoupling.probabilities(pairs, classCount: classCount))
        }
        return Matrix(rows: rows.rows, columns: classCount, values: values)
    }

    public var namedArrays: [String: NamedArray] {
        machine.namedArrays.merging(["sigmoids": NamedArray(sigmoids), "classes": NamedArray([Int32(classCount)])]) { own, _ in own }
    }

    public init(namedArrays: [String: NamedArray]) throws {
        let reader = NamedArrayReader(arrays: namedArrays, kind: Self.kind)
        machine = try VectorMachine(reader)
        classCount = try reader.integer("classes", in: 2...1 << 15)
        sigmoids = try reader.floats("sigmoids").values
        guard machine.offsets.count == pairCount else { throw reader.refusal("\(machine.offsets.count) offsets are not for \(classCount) classes") }
        guard sigmoids.isEmpty || sigmoids.count == 2 * pairCount else { throw reader.refusal("it has \(sigmoids.count) numbers of sigmoids") }
    }
}
