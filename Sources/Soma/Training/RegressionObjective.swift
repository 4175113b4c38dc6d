/// Numbers told from inputs: a loss such as the mean squared error is minimised and measured, as `loss`.
public struct Regression<Model: Layer>: Objective {
    public let model: Model
    public let input: String
    public let target: String
    private let compare: @Sendable (_ predictions: Tensor, _ targets: Tensor) -> Tensor

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
    public func metrics(_ batch: Minibatch) -> [Metric] { [.mean("loss", sum: loss(batch) * batch.count)] }
    public var criterion: Criterion? { .lowest("loss") }
}
