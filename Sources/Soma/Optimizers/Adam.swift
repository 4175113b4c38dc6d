import SomaGraph

#if canImport(Glibc)
    import Glibc
#endif

/// Running means of gradient and squared gradient, both freed of their bias towards 0:
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², direction m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 −
/// β₂ᵗ).
///
/// Gradients are taken within ±10¹⁹, since the square of larger ones is beyond all numbers of float32 and an infinite v would hold the
/// weight for ever: a step is as bounded by the rate as of any gradient. One that is infinite or NaN makes the weight NaN.
///
/// D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015.
public struct Adam: UpdateRule {
    private let moments: AdamMoments
    /// λ, added to the gradient as λ · weight.
    public let weightDecay: Double

    /// The defaults are those of the paper.
    /// - Parameter weightDecay: λ of the penalty ½ λ |w|², whose gradient the means take in; see `AdamW` for the other
    ///   way.
    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
        moments = AdamMoments("Adam", beta1, nil, beta2, epsilon)
        self.weightDecay = weightDecay
    }

    /// With a β₁ that changes from update to update, as `.cycledMomentum` does beside a learning rate of `.oneCycle`.
    public init(beta1Following beta1: Schedule, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0) {
        moments = AdamMoments("Adam", beta1.rate(after: 0), beta1, beta2, epsilon)
        self.weightDecay = weightDecay
    }

    /// What PyTorch calls the moments.
    public var momentNames: [String] { AdamMoments.names }

    /// m̂ / (√v̂ + ε), of the gradient with its decay.
    public func direction(_ update: inout WeightUpdate) -> Tensor { moments.direction(update.decayedGradient, &update) }
}

/// `Adam` with decay of the weights themselves: λ w is added to the direction and not to the gradient, so that no
/// weight escapes it. Gradients are bounded as there.
///
/// I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.
public struct AdamW: UpdateRule {
    private let moments: AdamMoments
    /// λ, by which weights shrink apart from the gradient.
    public let weightDecay: Double

    /// The defaults are PyTorch's.
    /// - Parameter weightDecay: λ; a weight shrinks by rate · λ of its size in each update.
    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
        moments = AdamMoments("AdamW", beta1, nil, beta2, epsilon)
        self.weightDecay = weightDecay
    }

    /// With a β₁ that changes from update to update, as `.cycledMomentum` does beside a learning rate of `.oneCycle`.
    public init(beta1Following beta1: Schedule, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
        moments = AdamMoments("AdamW", beta1.rate(after: 0), beta1, beta2, epsilon)
        self.weightDecay = weightDecay
    }

    /// What PyTorch calls the moments.
    public var momentNames: [String] { AdamMoments.names }

    /// m̂ / (√v̂ + ε), and the decay of the weight beside it.
    public func direction(_ update: inout WeightUpdate) -> Tensor {
        let direction = moments.direction(update.gradient, &update)
        return update.weightDecay.map { direction + $0 * update.weights } ?? direction
    }
}

private struct AdamMoments: Sendable {
    static let names = ["exp_avg", "exp_avg_sq"]
    let beta1, beta2, epsilon: Double
    /// β₁ by the count of updates; nil where it stays.
    let beta1Schedule: Schedule?

    init(_ rule: String, _ beta1: Double, _ schedule: Schedule?, _ beta2: Double, _ epsilon: Double) {
        guard (0..<1).contains(beta1), (0..<1).contains(beta2), epsilon >= 0 else {
            programError(rule, "beta1 \(beta1), beta2 \(beta2), epsilon \(epsilon)")
        }
        (self.beta1, beta1Schedule, self.beta2, self.epsilon) = (beta1, schedule, beta2, epsilon)
    }

    func direction(_ gradient: Tensor, _ update: inout WeightUpdate) -> Tensor {
        let gradient = update.boundedForSquares(gradient)
        let mean = mean(gradient, update)
        let squares = update.moments[1] * beta2 + square(gradient) * (1 - beta2)
        update.moments = [mean, squares]
        let meanScale = update.scalar { [self] in 1 / (1 - pow(beta1(of: $0), Double($0))) }
        let rootScale = update.scalar { [beta2] in 1 / (1 - pow(beta2, Double($0))).squareRoot() }
        return mean * meanScale / (sqrt(squares) * rootScale + epsilon)
    }

    private func mean(_ gradient: Tensor, _ update: WeightUpdate) -> Tensor {
        guard beta1Schedule != nil else { return update.moments[0] * beta1 + gradient * (1 - beta1) }
        let share = update.scalar { [self] in beta1(of: $0) }
        return update.moments[0] * share + gradient * (1 - share)
    }

    /// That of the update that is the `count`th, from 1.
    private func beta1(of count: Int) -> Double { beta1Schedule?.rate(after: count - 1) ?? beta1 }
}
