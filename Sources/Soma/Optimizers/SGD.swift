import SomaGraph

/// Stochastic gradient descent, with momentum if asked for: v ← μ v + g, direction v, or g + μ v in Nesterov's form.
///
/// H. Robbins, S. Monro, *A Stochastic Approximation Method*, 1951; Y. Nesterov, 1983, as in I. Sutskever et al., ICML
/// 2013.
public struct SGD: UpdateRule {
    /// μ, the share of the last step.
    public let momentum: Double
    /// Whether the gradient counts as taken one step ahead.
    public let isNesterov: Bool
    /// λ, added to the gradient as λ · weight.
    public let weightDecay: Double

    /// Traps where the momentum is not in 0 ..< 1, or is 0 in Nesterov's form.
    /// - Parameters:
    ///   - momentum: μ; 0 keeps no velocity.
    ///   - weightDecay: λ of the penalty ½ λ |w|².
    public init(momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
        guard (0..<1).contains(momentum), !isNesterov || momentum > 0 else {
            programError("SGD", "momentum \(momentum)\(isNesterov ? " in Nesterov's form" : "")")
        }
        (self.momentum, self.isNesterov, self.weightDecay) = (momentum, isNesterov, weightDecay)
    }

    /// What PyTorch calls the moment, where there is one.
    public var momentNames: [String] { momentum > 0 ? ["momentum_buffer"] : [] }

    /// g, or with momentum v ← μ v + g; in Nesterov's form g + μ v.
    public func direction(_ update: inout WeightUpdate) -> Tensor {
        let gradient = update.decayedGradient
        guard momentum > 0 else { return gradient }
        let velocity = update.moments[0] * momentum + gradient
        update.moments[0] = velocity
        return isNesterov ? gradient + velocity * momentum : velocity
    }
}
