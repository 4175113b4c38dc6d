/// How the losses of the samples, or of the elements, become one.
public enum LossReduction: Sendable {
    case mean, sum
    /// Each loss by itself.
    case none
}

extension Tensor {
    func reduced(_ reduction: LossReduction) -> Tensor {
        switch reduction {
        case .mean: mean()
        case .sum: sum()
        case .none: self
        }
    }
}
