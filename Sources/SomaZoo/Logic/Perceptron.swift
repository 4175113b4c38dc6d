import Soma

/// The unit of McCulloch and Pitts with two inputs, y = step(w₁ x₁ + w₂ x₂ + b), which learns by Rosenblatt's rule.
///
/// The rule looks at one sample at a time: w ← w + (t − y) x and b ← b + (t − y), so nothing changes where the answer is right.
/// Weights that begin as whole numbers stay whole, and are exact in single precision.
struct Perceptron: Layer {
    let weight: Parameter
    let bias: Parameter

    /// What the unit has learnt, to be compared exactly.
    struct Weights: Hashable, Sendable {
        var w1, w2, b: Float

        func potential(_ x1: Float, _ x2: Float) -> Float { w1 * x1 + w2 * x2 + b }
    }

    init(_ weights: Weights) {
        weight = Parameter(Tensor([weights.w1, weights.w2], shape: [2]))
        bias = Parameter(Tensor([weights.b], shape: .scalar))
    }

    /// Answers for x [..., 2].
    func callAsFunction(_ x: Tensor) -> Tensor { step((x * weight.tensor).sum(alongAxes: -1) + bias.tensor) }

    /// Rosenblatt's rule as a step to be replayed: takes a sample x [2] and its target t [], answers t − y.
    var learning: CompiledStep {
        compiled { x, t in
            let error = t - self(x)
            weight.assign(weight.tensor + error * x)
            bias.assign(bias.tensor + error)
            return error
        }
    }

    /// - Throws: `BackendError`.
    func weights() throws -> Weights {
        let w: [Float] = try weight.tensor.scalars()
        return Weights(w1: w[0], w2: w[1], b: Float(try bias.tensor.item()))
    }
}
