import SomaGraph

extension Metric {
    /// Two shares: of generated samples that lie among real ones (precision: they are good), and of real ones that lie among generated ones (recall:
    /// they are varied). A sample lies among others where one of these is nearer to it than that one's own neighbour number `neighbours`.
    ///
    /// T. Kynkäänniemi, T. Karras, S. Laine, J. Lehtinen, T. Aila, *Improved Precision and Recall Metric for Assessing Generative Models*, NeurIPS
    /// 2019. Distances are Euclidean. It takes time with the square of the samples, so at most the first `limit` of each are looked at.
    /// - Parameter real: features [n, features] of the n samples of the minibatch, `generated` as many of generated ones.
    public static func precisionAndRecall(
        real: Tensor, generated: Tensor, neighbours: Int = 3, limit: Int = 2000, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        guard real.rank == 2, real.shape == generated.shape, neighbours > 0, limit > neighbours else {
            programError(
                "precisionAndRecall", "features \(real.shape) and \(generated.shape), \(neighbours) neighbours of at most \(limit)", file: file, line: line)
        }
        let size = real.shape[1]
        return Metric(rows: [real, generated]) { totals in
            let points = totals.rows.map { values in stride(from: 0, to: min(values.count, limit * size), by: size).map { Array(values[$0..<$0 + size]) } }
            guard let share = GeneratorPrecision(real: points[0], generated: points[1], neighbours: neighbours) else { return Report() }
            return Report([
                Figure("precision", share.precision, better: .higher, title: "generated among real", limits: 0...1),
                Figure("recall", share.recall, better: .higher, title: "real among generated", limits: 0...1),
            ])
        }
    }
}

/// Precision and recall of generated samples, see `Metric.precisionAndRecall`.
struct GeneratorPrecision {
    let precision: Double
    let recall: Double

    /// Nil where there are not more samples than neighbours, or features are no numbers.
    init?(real: [[Double]], generated: [[Double]], neighbours: Int) {
        guard real.count > neighbours, generated.count > neighbours, (real + generated).allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
        precision = Self.share(of: generated, among: real, neighbours)
        recall = Self.share(of: real, among: generated, neighbours)
    }

    private static func share(of samples: [[Double]], among others: [[Double]], _ neighbours: Int) -> Double {
        let radii = others.map { point in others.map { distance(point, $0) }.sorted()[neighbours] }
        let count = samples.count { sample in zip(others, radii).contains { distance(sample, $0.0) <= $0.1 } }
        return Double(count) / Double(samples.count)
    }

    /// The squared Euclidean distance.
    private static func distance(_ a: [Double], _ b: [Double]) -> Double {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                guard let x = a.baseAddress, let y = b.baseAddress else { return 0 }
                var sum = 0.0
                for index in 0..<a.count { sum += (x[index] - y[index]) * (x[index] - y[index]) }
                return sum
            }
        }
    }
}
