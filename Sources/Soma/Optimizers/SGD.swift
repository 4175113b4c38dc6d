import SomaGraph

/// Stochastic gradient descent, with momentum if asked for: v ← μ v + g, direction v, or g + μ v in Nesterov's form.
///
/// H. Robbins, S. Monro, *A Stochastic Approximation Method*, 1951; Y. Nesterov, 1983, as in I. Sutskever et al., ICML
/// 2013.
public struct SGD: UpdateRule {
    /// μ, the share of the last step; the first one where it follows a schedule.
    public let momentum: Double
    /// μ by the count of updates; nil where it stays.
    public let momentumSchedule: Schedule?
    /// Whether the gradient counts as taken one step ahead.
    public let isNesterov: Bool
    /// λ, added to the gradient as λ · weight.
    public let weightDecay: Double

    /// Traps where the momentum is not in 0 ..< 1, or is 0 in Nesterov's form.
    /// - Parameters:
    ///   - momentum: μ; 0 keeps no velocity.
    ///   - weightDecay: λ of the penalty ½ λ |w|².
    public init(momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
        self.init(momentum, nil, isNesterov, weightDecay)
    }

    /// With a momentum that changes from update to update, as `.cycledMomentum` does beside a learning rate of `.oneCycle`.
    public init(momentumFollowing momentum: Schedule, isNesterov: Bool = false, weightDecay: Double = 0) {
        self.init(momentum.rate(after: 0), momentum, isNesterov, weightDecay)
    }

    private init(_ momentum: Double, _ schedule: Schedule?, _ isNesterov: Bool, _ weightDecay: Double) {
        guard (0..<1).contains(momentum), !isNesterov || momentum > 0 else {
            programError("SGD", "momentum \(momentum)\(isNesterov ? " in Nesterov's form" : "")")
        }
        (self.momentum, momentumSchedule, self.isNesterov, self.weightDecay) = (momentum, schedule, isNesterov, weightDecay)
    }

    /// What PyTorch calls the moment, where there is one.
    public var momentNames: [String] { keepsVelocity ? ["momentum_buffer"] : [] }
    private var keepsVelocity: Bool { momentum > 0 || momentumSchedule != nil }

    /// g, or with momentum v ← μ v + g; in Nesterov's form g + μ v.
    public func direction(_ update: inout WeightUpdate) -> Tensor {
        let gradient = update.decayedGradient
        guard keepsVelocity else { return gradient }
        let scheduled = momentumSchedule.map { schedule in update.scalar { schedule.rate(after: $0 - 1) } }
        func slowed(_ x: Tensor) -> Tensor { scheduled.map { x * $0 } ?? x * momentum }
        let velocity = slowed(update.moments[0]) + gradient
        update.moments[0] = velocity
        return isNesterov ? gradient + slowed(velocity) : velocity
    }
}
