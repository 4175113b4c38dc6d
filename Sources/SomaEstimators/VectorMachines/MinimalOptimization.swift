import CEstimators
import Soma
import SomaGraph

/// Problems of sequential minimal optimisation that share their rows.
struct MinimalOptimization {
    /// One of them: minimise ½ Σᵢⱼ sᵢ sⱼ αᵢ αⱼ k(i, j) + Σ pᵢ αᵢ, where Σ sᵢ αᵢ = 0 and 0 ≤ αᵢ ≤ Cᵢ. Variable i is about point i mod points.
    struct Problem {
        var points: [Int32]
        var signs: [Int8]
        var linear: [Double]
        var upper: [Double]
    }

    /// α, what is subtracted from Σ sᵢ αᵢ k(i, x), and how many pairs were moved.
    struct Solution {
        var alpha: [Double]
        var offset: Double
        var iterations: Int
    }

    let rows: KernelRows
    let tolerance: Double
    let maxIterations: Int?
    let cacheBytes: Int

    func solve(_ problems: [Problem]) throws -> [Solution] {
        guard !problems.isEmpty else { return [] }
        let points = Flat(problems.map(\.points)), signs = Flat(problems.map(\.signs)), linear = Flat(problems.map(\.linear))
        let upper = Flat(problems.map(\.upper)), alpha = Flat(problems.map { [Double](repeating: 0, count: $0.signs.count) })
        return try rows.rows.values.withUnsafeBufferPointer { x in
            try rows.norms.withUnsafeBufferPointer { norms in
                var tasks = problems.indices.map { index in
                    soma_smo(
                        kernel: rows.kernel, x: x.baseAddress, norms: norms.baseAddress, rows: points[index], points: problems[index].points.count,
                        columns: rows.rows.columns, variables: problems[index].signs.count, signs: signs[index], linear: linear[index],
                        upper: upper[index], tolerance: tolerance, max_iterations: maxIterations ?? .max, cache_bytes: max(cacheBytes, 1),
                        alpha: alpha[index], offset: 0, iterations: 0, failed: false)
                }
                soma_smo_solve(&tasks, tasks.count)
                guard !tasks.contains(where: \.failed) else { throw FitChecks.noMemory("for rows of kernels; a smaller cache may help") }
                return tasks.map { task in
                    let alpha = Array(UnsafeBufferPointer(start: task.alpha, count: task.variables))
                    return Solution(alpha: alpha, offset: task.offset, iterations: task.iterations)
                }
            }
        }
    }

    /// Arrays in memory that stays where it is.
    private final class Flat<Element> {
        private let memory: UnsafeMutablePointer<Element>
        private var starts: [Int] = []

        init(_ arrays: [[Element]]) {
            memory = .allocate(capacity: max(arrays.reduce(0) { $0 + $1.count }, 1))
            var end = 0
            for array in arrays {
                starts.append(end)
                (memory + end).initialize(from: array, count: array.count)
                end += array.count
            }
        }

        subscript(index: Int) -> UnsafeMutablePointer<Element> { memory + starts[index] }

        deinit { memory.deallocate() }
    }
}
