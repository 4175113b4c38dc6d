import SomaGraph

// Activation functions, element by element. Where the derivative follows from the value y, the gradient is written with
// it: then the argument need not be kept for the backward pass.

/// max(x, 0); the derivative at 0 is 0.
public func relu(_ x: Tensor) -> Tensor { maximum(x, 0) }

/// x where it is positive, else `slope` · x.
public func leakyReLU(_ x: Tensor, slope: Double = 0.01, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    guard slope >= 0 else { programError("leakyReLU", "the slope \(slope) is negative", file: file, line: line) }
    // −∞ · 0 would be NaN.
    if slope == 0 { return relu(x) }
    return withElementwiseGradient(of: x) { x in
        .select(x .> 0, x, x * slope)
    } pullback: { gradient, _, y in
        .select(y .> 0, gradient, gradient * slope)
    }
}

/// x where it is positive, else α(eˣ − 1).
///
/// D.-A. Clevert, T. Unterthiner, S. Hochreiter, *Fast and Accurate Deep Network Learning by Exponential Linear Units*,
/// ICLR 2016.
public func elu(_ x: Tensor, alpha: Double = 1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    guard alpha >= 0 else { programError("elu", "alpha \(alpha) is negative", file: file, line: line) }
    return withElementwiseGradient(of: x) { x in
        .select(x .> 0, x, expm1(x) * alpha)
    } pullback: { gradient, _, y in
        .select(y .> 0, gradient, gradient * (y + alpha))
    }
}

/// λ · elu(x, α), with λ and α such that activations keep mean 0 and variance 1 from layer to layer.
///
/// G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, *Self-Normalizing Neural Networks*, NIPS 2017.
public func selu(_ x: Tensor) -> Tensor { elu(x, alpha: 1.6732632423543772) * 1.0507009873554805 }

/// From here on, in single precision, σ(±x) and Φ(±x) are 0 or 1 and their slopes 0: their products with an infinite x are those with this.
private let saturation = 200.0

/// x Φ(x), Φ being the distribution function of the standard normal distribution.
///
/// D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units*, 2016.
public func gelu(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        maximum(x, -saturation) * normalDistribution(x)
    } pullback: { gradient, x, _ in
        let near = x.clamped(to: -saturation...saturation)
        return gradient * (normalDistribution(x) + near * exp(square(near) * -0.5) * 0.3989422804014327)  // 1/√(2π)
    }
}

private func normalDistribution(_ x: Tensor) -> Tensor { (erf(x * 0.7071067811865476) + 1) * 0.5 }

/// `gelu` with Φ(x) approximated by ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).
public func geluTanh(_ x: Tensor) -> Tensor {
    @Sendable func bend(_ x: Tensor) -> Tensor { tanh((x * x * 0.044715 + 1) * x * 0.7978845608028654) }
    return withElementwiseGradient(of: x) { x in
        maximum(x, -saturation) * ((bend(x) + 1) * 0.5)
    } pullback: { gradient, x, _ in
        // Beyond ±8 tanh is ±1 to all digits; further out its last bit, times a cube, would decide.
        let near = x.clamped(to: -8...8), bent = bend(near)
        let slope = (1 - bent * bent) * ((near * near * 0.134145 + 1) * 0.7978845608028654)
        return gradient * ((bent + 1 + near * slope) * 0.5)
    }
}

/// x · sigmoid(x), also called swish.
public func silu(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        maximum(x, -saturation) * sigmoid(x)
    } pullback: { gradient, x, _ in
        // Beyond 30 the sigmoid is 1 to all digits; further out its last bit, times x, would decide.
        let near = x.clamped(to: -saturation...30), share = sigmoid(x)
        return gradient * (share * (near * (1 - share) + 1))
    }
}

/// log(1 + e^(βx)) / β, a smooth `relu`; accurate for x of any size.
public func softplus(_ x: Tensor, beta: Double = 1) -> Tensor {
    if beta != 1 { return softplus(x * beta) / beta }
    return withElementwiseGradient(of: x) { x in
        maximum(x, 0) + log1p(exp(-abs(x)))
    } pullback: { gradient, x, _ in
        gradient * sigmoid(x)
    }
}

/// 1 where x ≥ 0, else 0: the neuron of McCulloch and Pitts. Its derivative is 0 everywhere.
public func step(_ x: Tensor) -> Tensor { (x .>= 0).as(x.dtype) }
