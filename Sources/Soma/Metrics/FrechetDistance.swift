import SomaGraph

/// The mean and the covariance of features over a set of samples.
public struct FeatureStatistics: Hashable, Sendable {
    /// μ: [features].
    public let mean: [Double]
    /// C: [features, features], row by row, over count − 1 as of a sample; NaN of fewer than two samples.
    public let covariance: [Double]

    /// Statistics that are known.
    public init(mean: [Double], covariance: [Double]) {
        guard covariance.count == mean.count * mean.count else {
            programError("FeatureStatistics", "\(covariance.count) covariances for \(mean.count) features")
        }
        (self.mean, self.covariance) = (mean, covariance)
    }

    /// The statistics of samples by sums over them; the covariance has the divisor count − 1 and is NaN of one sample.
    /// - Parameters:
    ///   - count: samples.
    ///   - sums: Σ x, [features].
    ///   - products: Σ x xᵀ, [features, features] row by row.
    public init(count: Int, sums: [Double], products: [Double]) {
        let (size, n) = (sums.count, Double(count))
        let mean = sums.map { $0 / n }
        var covariance = [Double](repeating: .nan, count: size * size)
        if count > 1 {
            for row in 0..<size {
                for column in 0..<size { covariance[row * size + column] = (products[row * size + column] - sums[row] * mean[column]) / (n - 1) }
            }
        }
        self.init(mean: mean, covariance: covariance)
    }
}

/// How far two sets of samples are apart by the normal distributions of their features.
///
/// d = |μ₁ − μ₂|² + tr(C₁ + C₂ − 2 (√C₁ C₂ √C₁)^½). 0 is the same distribution. It depends on the network whose features are taken, and with few
/// samples it is too great, so compare figures of one network and of about as many samples.
///
/// D. C. Dowson, B. V. Landau, *The Fréchet Distance between Multivariate Normal Distributions*, 1982; M. Heusel et al., *GANs Trained by a Two
/// Time-Scale Update Rule Converge to a Local Nash Equilibrium*, NeurIPS 2017.
public enum FrechetDistance {
    /// The distance of two sets.
    /// - Returns: NaN where a statistic is NaN or infinite.
    public static func between(_ a: FeatureStatistics, _ b: FeatureStatistics) -> Double {
        let size = a.mean.count
        guard b.mean.count == size else { programError("FrechetDistance", "\(size) features against \(b.mean.count)") }
        guard (a.mean + b.mean).allSatisfy(\.isFinite), b.covariance.allSatisfy(\.isFinite), let eigen = SymmetricEigen(a.covariance, size: size) else { return .nan }
        let root = eigen.squareRoot
        guard let product = SymmetricEigen(multiplied(multiplied(root, b.covariance, size), root, size), size: size) else { return .nan }
        var distance = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        for place in 0..<size { distance += a.covariance[place * size + place] + b.covariance[place * size + place] }
        // Rounding may make 0 negative.
        return max(distance - 2 * product.values.reduce(0) { $0 + max($1, 0).squareRoot() }, 0)
    }

    private static func multiplied(_ a: [Double], _ b: [Double], _ size: Int) -> [Double] {
        var result = [Double](repeating: 0, count: size * size)
        for row in 0..<size {
            for inner in 0..<size {
                let factor = a[row * size + inner]
                for column in 0..<size { result[row * size + column] += factor * b[inner * size + column] }
            }
        }
        return result
    }
}

extension Metric {
    /// The Fréchet distance of two sets of features: means and products are summed on the device, the rest is done at the end.
    /// - Parameters:
    ///   - real, generated: [n, features] for the n samples of the minibatch.
    public static func frechetDistance(
        _ name: String = "frechet_distance", real: Tensor, generated: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard real.rank == 2, real.shape == generated.shape else {
            programError("frechetDistance", "features \(real.shape) and \(generated.shape) are not both [samples, features]", file: file, line: line)
        }
        let sums = [real, generated].flatMap { x in [x.sum(alongAxes: 0), matmul(x.transposed(), x)] }
        return Metric(sums: sums) { totals in
            let statistics = [0, 2].map { FeatureStatistics(count: totals.sampleCount, sums: totals.sums[$0], products: totals.sums[$0 + 1]) }
            let distance = FrechetDistance.between(statistics[0], statistics[1])
            return Report([Figure(name, distance, better: .lower, title: "Fréchet distance")])
        }
    }
}
