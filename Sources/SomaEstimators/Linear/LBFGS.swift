/// The minimum of a smooth convex function by its gradients: D. C. Liu, J. Nocedal, *On the Limited Memory BFGS Method for Large Scale Optimization*,
/// Mathematical Programming 45, 1989. Steps are halved until the function falls enough (Armijo's condition).
struct LBFGS {
    /// The greatest derivative at which to stop.
    var tolerance: Double
    var maxIterations: Int
    private static let memory = 20

    /// One step and what it did to the gradient.
    private struct Pair {
        let step, change: [Double]
        let product: Double
    }

    /// - Parameter value: the function at a point; sets the gradient.
    func minimum(
        from start: [Double], _ value: (_ point: [Double], _ gradient: inout [Double]) throws -> Double
    ) rethrows -> (point: [Double], converged: Bool) {
        var (point, gradient, pairs) = (start, start, [Pair]())
        var current = try value(point, &gradient)
        for _ in 0..<maxIterations {
            if gradient.allSatisfy({ abs($0) <= tolerance }) { return (point, true) }
            let direction = direction(gradient, pairs)
            let slope = dot(direction, gradient)
            var length = pairs.isEmpty ? min(1, 1 / dot(gradient, gradient).squareRoot()) : 1
            var (next, nextGradient, nextValue) = (point, gradient, Double.infinity)
            repeat {
                for index in point.indices { next[index] = point[index] + length * direction[index] }
                nextValue = try value(next, &nextGradient)
                length /= 2
            } while nextValue > current + 2e-4 * length * slope && length > 1e-12
            // Rounding leaves nothing to gain.
            guard nextValue < current else { return (point, gradient.allSatisfy { abs($0) <= 100 * tolerance }) }
            let pair = Pair(
                step: zip(next, point).map { $0 - $1 }, change: zip(nextGradient, gradient).map { $0 - $1 },
                product: zip(zip(next, point), zip(nextGradient, gradient)).reduce(0) { $0 + ($1.0.0 - $1.0.1) * ($1.1.0 - $1.1.1) })
            if pair.product > 0 { pairs = pairs.suffix(Self.memory - 1) + [pair] }
            (point, gradient, current) = (next, nextGradient, nextValue)
        }
        return (point, gradient.allSatisfy { abs($0) <= tolerance })
    }

    /// Minus the gradient times the inverse of the second derivatives, as the last steps tell of these.
    private func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
        var result = gradient.map { -$0 }
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = dot(pair.step, result) / pair.product
            factors.append(factor)
            for index in result.indices { result[index] -= factor * pair.change[index] }
        }
        if let last = pairs.last {
            let scale = last.product / dot(last.change, last.change)
            for index in result.indices { result[index] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            let difference = factor - dot(pair.change, result) / pair.product
            for index in result.indices { result[index] += difference * pair.step[index] }
        }
        return result
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for index in a.indices { sum += a[index] * b[index] }
        return sum
    }
}
