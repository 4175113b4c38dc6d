// The activation functions as layers, to stand in a `Sequential`.

/// max(x, 0)
public struct ReLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// x where it is positive, else `slope` · x.
public struct LeakyReLU: Layer {
    public let slope: Double
    public init(slope: Double = 0.01) { self.slope = slope }
    public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, slope: slope) }
}

/// x where it is positive, else α(eˣ − 1).
public struct ELU: Layer {
    public let alpha: Double
    public init(alpha: Double = 1) { self.alpha = alpha }
    public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// The self-normalising `elu`.
public struct SELU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { selu(x) }
}

/// x Φ(x), exactly or by the hyperbolic tangent.
public struct GELU: Layer {
    public enum Form: Sendable { case exact, tanh }
    public let form: Form
    public init(_ form: Form = .exact) { self.form = form }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch form {
        case .exact: gelu(x)
        case .tanh: geluTanh(x)
        }
    }
}

/// x · sigmoid(x)
public struct SiLU: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// log(1 + e^(βx)) / β
public struct Softplus: Layer {
    public let beta: Double
    public init(beta: Double = 1) { self.beta = beta }
    public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x, beta: beta) }
}

/// The hyperbolic tangent.
public struct Tanh: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// 1 / (1 + e⁻ˣ)
public struct Sigmoid: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// 1 where x ≥ 0, else 0.
public struct BinaryStep: Layer {
    public init() {}
    public func callAsFunction(_ x: Tensor) -> Tensor { step(x) }
}
