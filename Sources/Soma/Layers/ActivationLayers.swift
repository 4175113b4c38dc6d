// The activation functions as layers, to stand in a `Sequential`.

/// max(x, 0)
public struct ReLU: Layer {
    /// A layer without parameters.
    public init() {}
    /// max(x, 0), of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor { relu(x) }
}

/// x where it is positive, else `slope` · x.
public struct LeakyReLU: Layer {
    /// What negative numbers are multiplied by.
    public let slope: Double
    /// The default is PyTorch's.
    /// - Parameter slope: not negative.
    public init(slope: Double = 0.01) { self.slope = slope }
    /// x where it is positive, else `slope` · x.
    public func callAsFunction(_ x: Tensor) -> Tensor { leakyReLU(x, slope: slope) }
}

/// x where it is positive, else α(eˣ − 1).
public struct ELU: Layer {
    /// The limit −α towards −∞.
    public let alpha: Double
    /// The default, 1, makes the derivative continuous at 0.
    /// - Parameter alpha: not negative.
    public init(alpha: Double = 1) { self.alpha = alpha }
    /// x where it is positive, else α(eˣ − 1).
    public func callAsFunction(_ x: Tensor) -> Tensor { elu(x, alpha: alpha) }
}

/// The self-normalising `elu`.
public struct SELU: Layer {
    /// A layer without parameters.
    public init() {}
    /// λ · elu(x, α) with the λ and α of the paper.
    public func callAsFunction(_ x: Tensor) -> Tensor { selu(x) }
}

/// x Φ(x), exactly or by the hyperbolic tangent.
public struct GELU: Layer {
    /// How Φ, the distribution function of the normal distribution, is computed.
    public enum Form: Sendable {
        /// By the error function.
        case exact
        /// By an approximation with the hyperbolic tangent.
        case tanh
    }
    /// Which of the two is computed.
    public let form: Form
    /// The exact form unless the approximation is asked for.
    /// - Parameter form: exact unless the approximation is asked for.
    public init(_ form: Form = .exact) { self.form = form }

    /// x Φ(x), of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch form {
        case .exact: gelu(x)
        case .tanh: geluTanh(x)
        }
    }
}

/// x · sigmoid(x)
public struct SiLU: Layer {
    /// A layer without parameters.
    public init() {}
    /// x · sigmoid(x).
    public func callAsFunction(_ x: Tensor) -> Tensor { silu(x) }
}

/// log(1 + e^(βx)) / β
public struct Softplus: Layer {
    /// How sharp the bend at 0 is.
    public let beta: Double
    /// With the default, 1, the derivative is the sigmoid.
    /// - Parameter beta: the larger, the nearer to `ReLU`.
    public init(beta: Double = 1) { self.beta = beta }
    /// log(1 + e^(βx)) / β.
    public func callAsFunction(_ x: Tensor) -> Tensor { softplus(x, beta: beta) }
}

/// The hyperbolic tangent.
public struct Tanh: Layer {
    /// A layer without parameters.
    public init() {}
    /// The hyperbolic tangent.
    public func callAsFunction(_ x: Tensor) -> Tensor { tanh(x) }
}

/// 1 / (1 + e⁻ˣ)
public struct Sigmoid: Layer {
    /// A layer without parameters.
    public init() {}
    /// 1 / (1 + e⁻ˣ).
    public func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(x) }
}

/// eˣ / Σ eˣ along an axis.
public struct Softmax: Layer {
    /// The axis whose elements add up to 1, counted from the back where negative.
    public let axis: Int
    /// Along the last axis unless another is named.
    /// - Parameter axis: the last one unless named.
    public init(alongAxis axis: Int = -1) { self.axis = axis }
    /// eˣ / Σ eˣ, of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.softmax(alongAxis: axis) }
}

/// x − log Σ eˣ along an axis: the logarithm of `Softmax`, for `negativeLogLikelihood`.
public struct LogSoftmax: Layer {
    /// The axis whose elements are the logarithms of probabilities, counted from the back where negative.
    public let axis: Int
    /// Along the last axis unless another is named.
    /// - Parameter axis: the last one unless named.
    public init(alongAxis axis: Int = -1) { self.axis = axis }
    /// x − log Σ eˣ, of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.logSoftmax(alongAxis: axis) }
}

/// 1 where x ≥ 0, else 0.
public struct BinaryStep: Layer {
    /// A layer without parameters.
    public init() {}
    /// 1 where x ≥ 0, else 0; no gradient passes.
    public func callAsFunction(_ x: Tensor) -> Tensor { step(x) }
}
