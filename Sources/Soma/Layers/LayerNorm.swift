import SomaGraph

/// y = γ (x − μ) / √(σ² + ε) + β, with mean μ and variance σ² over the last axes of each sample; γ and β have the shape
/// of these axes.
///
/// J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer Normalization*, 2016.
public struct LayerNorm: Layer {
    /// γ, ones at first.
    public let weight: Parameter?
    /// β, zeros at first.
    public let bias: Parameter?
    /// ε, which keeps the root from 0.
    public let epsilon: Double
    private let shape: Shape

    /// γ and β have the shape that is normalised.
    /// - Parameters:
    ///   - shape: the extents of the axes that are normalised together, which are the last.
    ///   - isAffine: whether γ and β are there.
    public init(
        _ shape: Shape, epsilon: Double = 1e-5, isAffine: Bool = true, hasBias: Bool = true, device: Device = .current
    ) {
        weight = isAffine ? Parameter(.ones(shape, device: device)) : nil
        bias = isAffine && hasBias ? Parameter(.zeros(shape, device: device)) : nil
        (self.shape, self.epsilon) = (shape, epsilon)
    }

    /// Normalises the last axis, of the given extent.
    public init(
        _ features: Int, epsilon: Double = 1e-5, isAffine: Bool = true, hasBias: Bool = true, device: Device = .current
    ) {
        self.init([features], epsilon: epsilon, isAffine: isAffine, hasBias: hasBias, device: device)
    }

    /// y as above, of the shape of x, which must end in the normalised shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.shape.dimensions.suffix(shape.rank) == shape.dimensions[...] else {
            named(by: weight) { programError("LayerNorm", "an input of \(x.shape) does not end in \(shape)") }
        }
        var y = x.standardized(alongAxes: Array(x.rank - shape.rank..<x.rank), epsilon: epsilon)
        if let weight { y = y * weight.tensor }
        if let bias { y = y + bias.tensor }
        return tapped(y)
    }
}

extension Tensor {
    /// (x − μ) / √(σ² + ε), with mean μ and variance σ² (divided by n) along `axes`.
    public func standardized(
        alongAxes axes: [Int], epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireReal("standardize", file, line)
        let axes = normalized(axes: axes, "standardize", file: file, line: line)
        return withCustomGradient(of: self) { x in
            let deviation = x - x.mean(axes)
            return deviation * rsqrt(square(deviation).mean(axes) + epsilon)
        } pullback: { gradient, x, y in
            // μ and σ move with x: the parts of the gradient along 1 and along y have no effect.
            (gradient - gradient.mean(axes) - y * (gradient * y).mean(axes)) * x.inverseDeviation(axes, epsilon)
        }
    }

    private func mean(_ axes: [Int]) -> Tensor { mean(alongAxes: axes, keepingDims: true) }

    private func inverseDeviation(_ axes: [Int], _ epsilon: Double) -> Tensor {
        rsqrt(variance(alongAxes: axes, keepingDims: true) + epsilon)
    }
}
