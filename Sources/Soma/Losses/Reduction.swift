/// How the losses of the samples, or of the elements, become one.
public enum LossReduction: Sendable {
    /// Their mean: the size of the loss does not depend on the size of the batch.
    case mean
    /// Their sum.
    case sum
    /// Each loss by itself.
    case none
}

extension Tensor {
    /// Each element times its weight; 0 where an infinity or NaN has the weight 0.
    func weighted(by weight: Tensor) -> Tensor {
        // Repeated first, so that the comparison is part of the walk over the elements.
        let weight = weight.stretched(to: shape)
        return (self * weight).replacing(with: 0, where: (weight .== 0) .&& .!isFinite)
    }

    func reduced(_ reduction: LossReduction) -> Tensor {
        switch reduction {
        case .mean: mean()
        case .sum: sum()
        case .none: self
        }
    }
}
