import SomaGraph

/// Gradients divided by their running root mean square: v ← α v + (1 − α) g², direction g / (√v + ε), with momentum if
/// asked for.
///
/// Gradients are taken within ±10¹⁹, since the square of larger ones is beyond all numbers of float32 and an infinite v would hold the
/// weight for ever: a step is as bounded by the rate as of any gradient. One that is infinite or NaN makes the weight NaN.
///
/// T. Tieleman, G. Hinton, *Lecture 6.5*, Coursera: Neural Networks for Machine Learning, 2012; *centered* subtracts
/// the squared running mean: A. Graves, *Generating Sequences with Recurrent Neural Networks*, 2013.
public struct RMSProp: UpdateRule {
    /// α, the share of the old mean square.
    public let smoothing: Double
    /// μ, the share of the last step.
    public let momentum: Double
    /// Whether the mean gradient is subtracted, which makes the mean square a variance.
    public let isCentered: Bool
    /// ε, which keeps the root from 0.
    public let epsilon: Double
    /// λ, added to the gradient as λ · weight.
    public let weightDecay: Double

    /// The defaults are PyTorch's.
    /// - Parameter smoothing: α.
    public init(
        smoothing: Double = 0.99, momentum: Double = 0, isCentered: Bool = false, epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        (self.smoothing, self.momentum, self.isCentered) = (smoothing, momentum, isCentered)
        (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    }

    /// What PyTorch calls the moments.
    public var momentNames: [String] {
        ["square_avg"] + (isCentered ? ["grad_avg"] : []) + (momentum > 0 ? ["momentum_buffer"] : [])
    }

    /// g / (√v + ε), with momentum where there is any.
    public func direction(_ update: inout WeightUpdate) -> Tensor {
        let gradient = update.boundedForSquares(update.decayedGradient)
        let squares = update.moments[0] * smoothing + square(gradient) * (1 - smoothing)
        update.moments[0] = squares
        var variance = squares
        if isCentered {
            let mean = update.moments[1] * smoothing + gradient * (1 - smoothing)
            update.moments[1] = mean
            // Rounding may leave less than 0, which has no root. Where their mean is infinite, as in a file it may be, the variance is too.
            variance = .select(squares .== .infinity, squares, maximum(squares - square(mean), 0))
        }
        let scaled = gradient / (sqrt(variance) + epsilon)
        guard momentum > 0, let last = update.moments.indices.last else { return scaled }
        update.moments[last] = update.moments[last] * momentum + scaled
        return update.moments[last]
    }
}
