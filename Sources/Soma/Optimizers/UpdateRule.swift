import SomaGraph

/// How an optimiser turns gradients into a direction: the weights then move by −rate · direction.
///
/// A rule answers with elementwise operations on vectors that hold all parameters end to end, so that the update of a
/// whole model is one launch. A further optimiser is one more rule.
public protocol UpdateRule: Sendable {
    /// Names of the running values that the rule keeps for each weight, as PyTorch calls them; zeros at first.
    var momentNames: [String] { get }

    /// Weight decay λ where a group of parameters has none of its own.
    var weightDecay: Double { get }

    /// The direction; sets `update.moments` to their new values.
    func direction(_ update: inout WeightUpdate) -> Tensor
}

/// What a rule sees of one update.
public struct WeightUpdate {
    /// w: [n], all trained parameters end to end.
    public let weights: Tensor
    /// ∂loss/∂w: [n], clipped if the optimiser clips.
    public let gradient: Tensor
    /// The rule's running values, [n] each, in the order of its names.
    public var moments: [Tensor]
    /// λ, of rank 0 or [n]; nil where there is no decay.
    public let weightDecay: Tensor?
    let scalar: @Sendable (@escaping @Sendable (Int) -> Double) -> Tensor

    /// The gradient of the loss with ½ λ |w|² added to it.
    public var decayedGradient: Tensor { weightDecay.map { gradient + $0 * weights } ?? gradient }

    /// `gradient` for a rule that keeps means of its squares, which in float32 are infinite from 1.8 · 10¹⁹ on: within ±10¹⁹, so that such
    /// a mean stays a number and forgets a large gradient as it does any other. What is not finite becomes NaN (∞ · 0), so that it is not
    /// passed over in silence.
    func boundedForSquares(_ gradient: Tensor) -> Tensor { gradient.clamped(to: -1e19...1e19) + gradient * 0 }

    /// A number that follows from the count of updates, this one included; computed anew for each.
    public func scalar(_ value: @escaping @Sendable (_ count: Int) -> Double) -> Tensor { scalar(value) }
}
