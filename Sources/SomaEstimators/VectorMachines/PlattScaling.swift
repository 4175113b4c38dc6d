import CEstimators
import Glibc
import Soma
import SomaGraph

/// Probabilities of a pair of classes from decisions of machines that did not see the rows: p(first) = 1 / (1 + exp(A d + B)).
///
/// J. Platt, *Probabilistic Outputs for Support Vector Machines*, 1999; fitted as H.-T. Lin, C.-J. Lin, R. C. Weng do in *A Note on Platt's
/// Probabilistic Outputs for Support Vector Machines*, Machine Learning 68, 2007.
struct PlattScaling {
    private let optimization: MinimalOptimization
    private let seed: UInt64
    private static let folds = 5

    init(_ optimization: MinimalOptimization, seed: UInt64) { (self.optimization, self.seed) = (optimization, seed) }

    static func probability(_ decision: Double, _ a: Double, _ b: Double) -> Double {
        let x = a * decision + b
        // A pair is never certain, so that probabilities of several pairs can be brought to agree.
        return min(max(x >= 0 ? exp(-x) / (1 + exp(-x)) : 1 / (1 + exp(x)), 1e-7), 1 - 1e-7)
    }

    /// A and B of each pair, by five machines of four fifths of its rows each.
    func sigmoids(for problems: [MinimalOptimization.Problem]) throws -> [(a: Double, b: Double)] {
        let parts = problems.enumerated().map { index, problem in
            var generator = Philox(seed: seed, stream: UInt64(index))
            let order = generator.permutation(of: problem.points.count)
            return (0..<Self.folds).map { fold in order[order.count * fold / Self.folds..<order.count * (fold + 1) / Self.folds] }
        }
        let trained = zip(problems, parts).flatMap { problem, parts in
            parts.map { held in Self.selecting(problem, Set(problem.points.indices).subtracting(held).sorted()) }
        }
        // A machine of one class is a constant.
        let solvable = trained.indices.filter { Set(trained[$0].signs).count == 2 }
        let solutions = Dictionary(uniqueKeysWithValues: zip(solvable, try optimization.solve(solvable.map { trained[$0] })))
        return try problems.indices.map { pair in
            var decisions = [Double](repeating: 0, count: problems[pair].points.count)
            for (fold, held) in parts[pair].enumerated() where !held.isEmpty {
                let machine = pair * Self.folds + fold
                let found = try self.decisions(trained[machine], solutions[machine], held.map { problems[pair].points[$0] })
                for (place, decision) in zip(held, found) { decisions[place] = decision }
            }
            return Self.sigmoid(decisions, problems[pair].signs)
        }
    }

    private static func selecting(_ problem: MinimalOptimization.Problem, _ kept: [Int]) -> MinimalOptimization.Problem {
        .init(
            points: kept.map { problem.points[$0] }, signs: kept.map { problem.signs[$0] }, linear: kept.map { problem.linear[$0] },
            upper: kept.map { problem.upper[$0] })
    }

    private func decisions(
        _ problem: MinimalOptimization.Problem, _ solution: MinimalOptimization.Solution?, _ points: [Int32]
    ) throws -> [Double] {
        guard let solution else { return points.map { _ in Double(problem.signs.first ?? 0) } }
        let support = solution.alpha.indices.filter { solution.alpha[$0] > 0 }
        let rows = optimization.rows
        let own = KernelRows(centred: rows.rows.selecting(support.map { Int(problem.points[$0]) }), rows.kernel, centre: rows.centre)
        let coefficients = support.map { Float(solution.alpha[$0] * Double(problem.signs[$0])) }
        let others = KernelRows(centred: rows.rows.selecting(points.map { Int($0) }), rows.kernel, centre: rows.centre)
        return try own.sums(for: others, coefficients: coefficients, outputs: 1).map { Double($0) - solution.offset }
    }

    /// A and B of the greatest likelihood of softened targets, by Newton's method with halved steps.
    static func sigmoid(_ decisions: [Double], _ signs: [Int8]) -> (a: Double, b: Double) {
        let positives = Double(signs.count { $0 > 0 }), negatives = Double(signs.count) - positives
        let targets = signs.map { $0 > 0 ? (positives + 1) / (positives + 2) : 1 / (negatives + 2) }
        func loss(_ a: Double, _ b: Double) -> Double {
            zip(decisions, targets).reduce(0) { sum, pair in
                let x = pair.0 * a + b
                return sum + (x >= 0 ? pair.1 * x + log1p(exp(-x)) : (pair.1 - 1) * x + log1p(exp(x)))
            }
        }
        var (a, b) = (0.0, log((negatives + 1) / (positives + 1)))
        var current = loss(a, b)
        for _ in 0..<100 {
            var (aa, bb, ab, da, db) = (1e-12, 1e-12, 0.0, 0.0, 0.0)
            for (decision, target) in zip(decisions, targets) {
                let x = decision * a + b
                let p = x >= 0 ? exp(-x) / (1 + exp(-x)) : 1 / (1 + exp(x))
                let curvature = p * (1 - p)
                (aa, bb, ab) = (aa + decision * decision * curvature, bb + curvature, ab + decision * curvature)
                (da, db) = (da + decision * (target - p), db + target - p)
            }
            if abs(da) < 1e-5, abs(db) < 1e-5 { break }
            let determinant = aa * bb - ab * ab
            let (stepA, stepB) = (-(bb * da - ab * db) / determinant, -(aa * db - ab * da) / determinant)
            var length = 1.0, next = loss(a + stepA, b + stepB)
            while next >= current + 1e-4 * length * (da * stepA + db * stepB), length >= 1e-10 {
                length /= 2
                next = loss(a + length * stepA, b + length * stepB)
            }
            guard length >= 1e-10 else { break }
            (a, b, current) = (a + length * stepA, b + length * stepB, next)
        }
        return (a, b)
    }
}

/// Probabilities of classes from those of each pair: T.-F. Wu, C.-J. Lin, R. C. Weng, *Probability Estimates for Multi-class Classification by
/// Pairwise Coupling*, JMLR 5, 2004, the second method.
enum PairwiseCoupling {
    /// - Parameter pairs: p(lower of the pair), for 0 against 1, 0 against 2, ….
    static func probabilities(_ pairs: [Double], classCount: Int) -> [Double] {
        guard classCount > 2 else { return [pairs[0], 1 - pairs[0]] }
        var r = [Double](repeating: 0, count: classCount * classCount)
        var pair = 0
        for first in 0..<classCount {
            for second in first + 1..<classCount {
                (r[first * classCount + second], r[second * classCount + first]) = (pairs[pair], 1 - pairs[pair])
                pair += 1
            }
        }
        var q = [Double](repeating: 0, count: classCount * classCount)
        for t in 0..<classCount {
            for j in 0..<classCount where j != t {
                q[t * classCount + t] += r[j * classCount + t] * r[j * classCount + t]
                q[t * classCount + j] = -r[j * classCount + t] * r[t * classCount + j]
            }
        }
        return solve(q, classCount)
    }

    /// The p of sum 1 that makes pᵀ Q p least: all elements of Q p are then the same.
    private static func solve(_ q: [Double], _ count: Int) -> [Double] {
        var p = [Double](repeating: 1 / Double(count), count: count)
        for _ in 0..<max(100, count) {
            var qp = (0..<count).map { t in (0..<count).reduce(0) { $0 + q[t * count + $1] * p[$1] } }
            var pqp = zip(p, qp).reduce(0) { $0 + $1.0 * $1.1 }
            if qp.allSatisfy({ abs($0 - pqp) < 0.005 / Double(count) }) { break }
            for t in 0..<count {
                let change = (pqp - qp[t]) / q[t * count + t]
                p[t] += change
                pqp = (pqp + change * (change * q[t * count + t] + 2 * qp[t])) / (1 + change) / (1 + change)
                for j in 0..<count {
                    qp[j] = (qp[j] + change * q[t * count + j]) / (1 + change)
                    p[j] /= 1 + change
                }
            }
        }
        return p
    }
}
