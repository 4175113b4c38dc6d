import SomaGraph

/// What a model is measured by.
public protocol Measured: Sendable {
    /// Measures of a minibatch, which are added up over a data set: what is told after every epoch. Captured (see `CompiledStep`).
    func metrics(_ batch: Minibatch) -> [Metric]

    /// What a closer look measures besides, once training is over.
    func details(_ batch: Minibatch) -> [Metric]

    /// Which figure tells the best state of training; nil where none does.
    var criterion: Criterion? { get }
}

extension Measured {
    public func details(_ batch: Minibatch) -> [Metric] { [] }
}

/// What a model is trained for: a loss to minimise, and what to measure of how well it does.
///
/// ```swift
/// struct Reconstruction: Objective {
///     let model: Autoencoder
///     func loss(_ batch: Minibatch) -> Tensor { meanSquaredError(model(batch["image"]), batch["image"]) }
/// }
/// ```
///
/// One of your own may use any fields of a data set, several models, and any loss; `metrics` and `criterion` are for what else is to be measured.
/// Its functions are captured (see `CompiledStep`): a number that changes while a model trains must be a `State`, `optimizer.scheduled(…)` or
/// `Tensor.asked { }`.
public protocol Objective: Measured {
    /// The loss of a minibatch, of rank 0: a mean over its samples, or over what counts of them by `mean(weightedBy:)` or a loss that
    /// takes its mean so, as `crossEntropy` does.
    func loss(_ batch: Minibatch) -> Tensor
}

extension Objective {
    /// The mean of the loss, as `loss`: over all samples, or over what counts of them where the loss is a mean over that. An objective of your own
    /// that says nothing else is measured so.
    public func metrics(_ batch: Minibatch) -> [Metric] { [.mean(of: batch) { loss(batch) }] }

    /// The lowest `loss`.
    public var criterion: Criterion? { .lowest("loss") }
}

extension Metric {
    /// The mean of the loss that `build` builds for a minibatch, as `loss`.
    ///
    /// The loss may be a sum of means, some over samples and some over what counts of them: each is added up by what it is a mean of.
    static func mean(of batch: Minibatch, loss build: () -> Tensor) -> Metric {
        let (value, means) = PartialMeans.measuring(build)
        if means.isEmpty { return .mean("loss", sum: value * batch.count) }
        let factors = gradient(of: value, withRespectTo: means.map(\.value))
        let shares = zip(factors, means).map { $0 * $1.value }
        // What is left is over samples; nothing but rounding where the loss is such a mean alone.
        let rest = Tensor.select(value.isFinite, shares.reduce(value) { $0 - $1 }, value)
        let sums = zip(shares, means).flatMap { [$0 * $1.divisor, $1.divisor] }
        return Metric(sums: [rest * batch.count] + sums) { totals in
            // Of a mean of which nothing counts in any minibatch the loss is NaN.
            let means = stride(from: 1, to: totals.sums.count, by: 2).map { totals.sums[$0][0] / totals.sums[$0 + 1][0] }
            return Report([Figure("loss", totals.sums[0][0] / Double(totals.sampleCount) + means.reduce(0, +), better: .lower)])
        }
    }
}

/// What makes one state of training better than another.
public struct Criterion: Hashable, Sendable {
    /// The name of a figure.
    public let measure: String
    /// Whether greater values of the figure are better.
    public let prefersHigh: Bool

    /// The state with the highest value of a figure is the best.
    public static func highest(_ measure: String) -> Criterion { Criterion(measure: measure, prefersHigh: true) }
    /// The state with the lowest value of a figure is the best.
    public static func lowest(_ measure: String) -> Criterion { Criterion(measure: measure, prefersHigh: false) }

    /// Whether a value is better than the best so far; NaN never is.
    func isBetter(_ value: Double, than best: Double?) -> Bool {
        guard let best else { return !value.isNaN }
        return prefersHigh ? value > best : value < best
    }
}
