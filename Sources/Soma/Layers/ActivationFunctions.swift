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
    return withCustomGradient(of: x) { x in
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
    return withCustomGradient(of: x) { x in
        .select(x .> 0, x, expm1(x) * alpha)
    } pullback: { gradient, _, y in
        .select(y .> 0, gradient, gradient * (y + alpha))
    }
}

/// λ · elu(x, α), with λ and α such that activations keep mean 0 and variance 1 from layer to layer.
///
/// G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, *Self-Normalizing Neural Networks*, NIPS 2017.
public func selu(_ x: Tensor) -> Tensor { elu(x, alpha: 1.6732632423543772) * 1.0507009873554805 }

/// x Φ(x), Φ being the distribution function of the standard normal distribution.
///
/// D. Hendrycks, K. Gimpel, *Gaussian Error Linear Units*, 2016.
public func gelu(_ x: Tensor) -> Tensor { x * (erf(x * 0.7071067811865476) + 1) * 0.5 }

/// `gelu` with Φ(x) approximated by ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).
public func geluTanh(_ x: Tensor) -> Tensor {
    let inner = (x * x * 0.044715 + 1) * x * 0.7978845608028654
    return x * (tanh(inner) + 1) * 0.5
}

/// x · sigmoid(x), also called swish.
public func silu(_ x: Tensor) -> Tensor { x * sigmoid(x) }

/// log(1 + e^(βx)) / β, a smooth `relu`; accurate for x of any size.
public func softplus(_ x: Tensor, beta: Double = 1) -> Tensor {
    if beta != 1 { return softplus(x * beta) / beta }
    return withCustomGradient(of: x) { x in
        maximum(x, 0) + log1p(exp(-abs(x)))
    } pullback: { gradient, x, _ in
        gradient * sigmoid(x)
    }
}

/// 1 where x ≥ 0, else 0: the neuron of McCulloch and Pitts. Its derivative is 0 everywhere.
public func step(_ x: Tensor) -> Tensor { (x .>= 0).as(x.dtype) }
