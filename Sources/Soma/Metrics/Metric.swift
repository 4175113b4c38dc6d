import SomaGraph

/// A measure of a model over a data set: what each minibatch adds to it on the device, and what the host makes of it all.
///
/// It is made for a minibatch and holds tensors, sums over its samples for the most part, which are added up from minibatch to minibatch
/// where they are. A measure that no sum tells, such as the area under a curve, keeps rows instead, which the host reads. At the end
/// `report` makes figures of them:
///
/// ```swift
/// // exp of the mean loss over tokens
/// let perplexity = Metric(sums: [losses.sum(), isToken.sum()]) { totals in
///     Report([Figure("perplexity", exp(totals.sums[0][0] / totals.sums[1][0]), better: .lower)])
/// }
/// ```
public struct Metric: Sendable {
    /// Added up over minibatches, element by element: of any shapes, the same in each minibatch, float32, or int32, whose totals are int64.
    public let sums: [Tensor]
    /// Kept for the host, one behind the other: [n, …] for the n samples, tokens or boxes of the minibatch.
    public let rows: [Tensor]
    /// What comes of the totals. It is a function of these alone, and is called with zeros and without rows too, to learn
    /// the names of the figures before there are any; one that throws then is asked again after the first evaluation.
    public let report: @Sendable (MetricTotals) throws -> Report

    /// A measure that adds up `sums` and keeps `rows`.
    public init(sums: [Tensor] = [], rows: [Tensor] = [], report: @escaping @Sendable (MetricTotals) throws -> Report) {
        (self.sums, self.rows, self.report) = (sums, rows, report)
    }
}

/// What a metric has come to over a data set.
public struct MetricTotals: Sendable {
    /// How many samples were measured.
    public let sampleCount: Int
    /// The elements of each of the metric's sums, in row-major order.
    public let sums: [[Double]]
    /// The elements of each of the metric's rows, of all samples in the order of the data set.
    public let rows: [[Double]]
}

extension Metric {
    /// The mean of something over all samples.
    /// - Parameters:
    ///   - sum: its sum over the samples of the minibatch, of rank 0.
    ///   - weight: what the mean is over, a sum of rank 0 too, such as a count of tokens; nil: samples.
    public static func mean(
        _ name: String, sum: Tensor, over weight: Tensor? = nil, better: Figure.Direction? = .lower, title: String? = nil,
        limits: ClosedRange<Double>? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> Metric {
        for tensor in [sum] + (weight.map { [$0] } ?? []) where tensor.shape != .scalar {
            programError(
                "metrics", "'\(name)' is \(tensor.dtype) \(tensor.shape) and not one number, the sum over the samples of a minibatch: reduce it with sum()",
                file: file, line: line)
        }
        return Metric(sums: [sum] + (weight.map { [$0] } ?? [])) { totals in
            let divisor = totals.sums.count > 1 ? totals.sums[1][0] : Double(totals.sampleCount)
            return Report([Figure(name, totals.sums[0][0] / divisor, better: better, title: title, limits: limits)])
        }
    }

    /// The share of samples of which something is true, or of the parts of samples, such as tokens.
    /// - Parameter isTrue: bool [n] or [n, …].
    public static func share(_ name: String, of isTrue: Tensor, title: String? = nil) -> Metric {
        .mean(name, sum: isTrue.as(.float32).sum(), over: parts(of: isTrue), better: .higher, title: title, limits: 0...1)
    }

    /// How many parts the samples of [n, …] have together; nil where each is one.
    static func parts(of samples: Tensor) -> Tensor? {
        samples.rank > 1 ? Tensor([Float(samples.shape.count)], shape: .scalar, device: samples.device) : nil
    }
}
