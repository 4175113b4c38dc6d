/// Regression: a loss such as the mean squared error is minimised, and measured as `loss`.
public struct Regression<Model: Layer>: Objective {
    /// From inputs [n, …] to predictions of the shape of the targets.
    public let model: Model
    /// The field that the model takes.
    public let input: String
    /// The field that holds what it should answer.
    public let target: String
    private let compare: @Sendable (_ predictions: Tensor, _ targets: Tensor) -> Tensor

    /// The loss is `compare`, or the mean squared error.
    /// - Parameters:
    ///   - model: from inputs [n, …] to predictions of the shape of the targets.
    ///   - input: the name of the field that the model takes.
    ///   - target: the name of the field that holds what it should answer.
    ///   - compare: the loss of predictions beside targets, a mean over samples; nil: the mean squared error.
    public init(
        _ model: Model, input: String = "x", target: String = "y", loss compare: (@Sendable (_ predictions: Tensor, _ targets: Tensor) -> Tensor)? = nil
    ) {
        (self.model, self.input, self.target) = (model, input, target)
        self.compare = compare ?? { meanSquaredError($0, $1) }
    }

    public func loss(_ batch: Minibatch) -> Tensor { compare(model(batch[input]), batch[target]) }
    /// The mean over all samples, or over what counts of them where the loss is a mean over that.
    public func metrics(_ batch: Minibatch) -> [Metric] {
        var loss: Tensor?
        let divisors = PartialMeans.divisors { loss = self.loss(batch) }
        let value = loss ?? self.loss(batch)
        guard let divisors, divisors.shape == [1] else { return [.mean("loss", sum: value * batch.count)] }
        let weight = divisors.reshaped(to: .scalar)
        // Of a minibatch of which nothing counts the mean is NaN.
        return [.mean("loss", sum: .select(weight .> 0, value * weight, .zeros(like: value)), over: weight)]
    }
    public var criterion: Criterion? { .lowest("loss") }
}
