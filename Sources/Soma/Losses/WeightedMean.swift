import SomaGraph
import Synchronization

extension Tensor {
    /// The mean Σ w x / Σ w, over all elements: NaN where the weights are all 0.
    ///
    /// Write the mean over what counts so, as with a mask of 0 and 1. Where a `Trainer` computes a batch in parts (`accumulation`), each part
    /// then has the weight that it has in the mean over the batch; a quotient of two sums of one's own has that of its number of samples.
    /// - Parameter weights: of this tensor's dtype, of a shape that broadcasts to its own.
    public func mean(weightedBy weights: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireReal("mean", file, line)
        guard weights.dtype == dtype else {
            programError("mean", "weights \(weights.dtype) \(weights.shape) for \(dtype) \(shape)", file: file, line: line)
        }
        let weights = weights.expanded(to: shape)
        return PartialMeans.mean(weighted(by: weights).sum(), over: weights.sum())
    }
}

/// Means over a part of a batch that are to add up to the mean over the batch, though their divisors depend on the data: how many targets
/// are not ignored, say, or the weights of their classes.
///
/// The parts' losses are added with the parts' shares s of the samples as weights, which is right for a mean over samples. A mean Σ w x / Σ w becomes
/// Σ w x / (s W) within a part, with W the sum of the weights of all parts. So W must be known first: the losses of all parts are built
/// once for their divisors alone.
final class PartialMeans: Sendable {
    /// Those of the batch that is computed in parts, if one is.
    @TaskLocal private static var current: PartialMeans?

    /// A mean that a loss takes, of rank 0.
    struct Mean {
        let value, divisor: Tensor
    }

    private let totals: (share: Tensor, divisors: Tensor)?
    /// Whether a mean of nothing is 0.
    private let measures: Bool
    private let noted = Mutex<[Mean]>([])

    /// - Parameters:
    ///   - share: s.
    ///   - divisors: W of each mean, in the order in which the loss takes them.
    init(share: Tensor, divisors: Tensor) { (totals, measures) = ((share, divisors), false) }

    private init(measures: Bool) { (totals, self.measures) = (nil, measures) }

    /// The divisors of the means in what `body` builds, [number of means]; nil where it has none that depends on data.
    static func divisors(in body: () throws -> Void) rethrows -> Tensor? {
        let means = PartialMeans(measures: false)
        try $current.withValue(means, operation: body)
        let noted = means.noted.withLock { $0 }
        return noted.isEmpty ? nil : Tensor(stacking: noted.map(\.divisor))
    }

    /// What `body` builds, and the means in it whose divisors depend on data; those of nothing are 0.
    static func measuring(_ body: () -> Tensor) -> (value: Tensor, means: [Mean]) {
        let means = PartialMeans(measures: true)
        let value = $current.withValue(means, operation: body)
        return (value, means.noted.withLock { $0 })
    }

    /// Runs `body`, which builds the loss of a part, with these divisors, of which it takes each once.
    func within<Result>(_ body: () throws -> Result) rethrows -> Result {
        let result = try Self.$current.withValue(self, operation: body)
        let (taken, counted) = (noted.withLock { $0.count }, totals?.divisors.count ?? 0)
        if taken < counted { Self.refuse(taken, counted) }
        return result
    }

    private static func refuse(_ taken: Int, _ counted: Int) -> Never {
        programError(
            "training",
            "the loss of a part of a batch takes \(taken > counted ? "more" : "fewer") means over what counts than the \(counted) that it took when their "
                + "weights were counted: build it the same way for each part")
    }

    /// sum / divisor, or what stands for it in a part of a batch.
    static func mean(_ sum: Tensor, over divisor: Tensor) -> Tensor { current?.mean(sum, over: divisor) ?? sum / divisor }

    private func mean(_ sum: Tensor, over divisor: Tensor) -> Tensor {
        let mean = measures ? (sum / divisor).replacing(with: 0, where: divisor .== 0) : sum / divisor
        let number = noted.withLock { noted in
            noted.append(Mean(value: mean, divisor: divisor))
            return noted.count - 1
        }
        guard let totals else { return mean }
        guard number < totals.divisors.count else { Self.refuse(number + 1, totals.divisors.count) }
        return sum / (totals.divisors[number] * totals.share)
    }
}
