/// Regression: a loss such as the mean squared error is minimised, and measured as `loss`. A closer look gives RMSE, MAE and R².
public struct Regression<Model: Layer>: Objective {
    /// From inputs [n, …] to predictions of the shape of the targets.
    public let model: Model
    /// The field that the model takes.
    public let input: String
    /// The field that holds what it should answer.
    public let target: String
    /// What brings targets and predictions back to their own unit; nil where they are in it.
    public let scale: Standardisation?
    private let compare: @Sendable (_ predictions: Tensor, _ targets: Tensor) -> Tensor

    /// The loss is `compare`, or the mean squared error.
    /// - Parameters:
    ///   - model: from inputs [n, …] to predictions of the shape of the targets.
    ///   - input: the name of the field that the model takes.
    ///   - target: the name of the field that holds what it should answer.
    ///   - scale: what targets were standardised by, as `TablePreparation.targetScale` is: the closer look then tells errors in their own unit.
    ///   - compare: the loss of predictions beside targets, a mean over samples; nil: the mean squared error.
    public init(
        _ model: Model, input: String = "x", target: String = "y", scale: Standardisation? = nil,
        loss compare: (@Sendable (_ predictions: Tensor, _ targets: Tensor) -> Tensor)? = nil
    ) {
        (self.model, self.input, self.target, self.scale) = (model, input, target, scale)
        self.compare = compare ?? { meanSquaredError($0, $1) }
    }

    public func loss(_ batch: Minibatch) -> Tensor { compare(model(batch[input]), batch[target]) }

    /// RMSE, MAE and R², where predictions have the shape and the dtype of targets: a loss of one's own may compare others.
    public func details(_ batch: Minibatch) -> [Metric] {
        let (predictions, targets) = (model(batch[input]), batch[target])
        guard predictions.shape == targets.shape, predictions.dtype == targets.dtype, targets.dtype.isFloatingPoint else { return [] }
        return [.errors(predictions, targets, scale: scale)]
    }
}
