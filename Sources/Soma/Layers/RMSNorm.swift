import SomaGraph

/// y = γ x / √(mean(x²) + ε), with the mean over the last axes of each sample; γ has the shape of these axes.
///
/// B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization*, NeurIPS 2019.
public struct RMSNorm: Layer {
    /// γ, ones at first.
    public let weight: Parameter?
    /// ε, which keeps the root from 0.
    public let epsilon: Double
    private let shape: Shape

    /// γ has the shape that is normalised. Traps where `epsilon` is not above 0.
    /// - Parameters:
    ///   - shape: the extents of the axes that are normalised together, which are the last.
    ///   - epsilon: by default 2⁻²³, the step of float32 at 1, as PyTorch has it.
    ///   - isAffine: whether γ is there.
    public init(
        _ shape: Shape, epsilon: Double = 0x1p-23, isAffine: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        requirePositive(epsilon, "RMSNorm", file, line)
        weight = isAffine ? Parameter(.ones(shape, device: device)) : nil
        (self.shape, self.epsilon) = (shape, epsilon)
    }

    /// Normalises the last axis, of the given extent.
    public init(
        _ features: Int, epsilon: Double = 0x1p-23, isAffine: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init([features], epsilon: epsilon, isAffine: isAffine, device: device, file: file, line: line)
    }

    /// y as above, of the shape of x, which must end in the normalised shape.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.shape.dimensions.suffix(shape.rank) == shape.dimensions[...] else {
            named(by: weight) { programError("RMSNorm", "an input of \(x.shape) does not end in \(shape)") }
        }
        let y = x.dividedByRootMeanSquare(alongAxes: Array(x.rank - shape.rank..<x.rank), epsilon: epsilon)
        return tapped(weight.map { y * $0.tensor } ?? y)
    }
}

extension Tensor {
    /// x / √(mean(x²) + ε), with the mean along `axes`.
    public func dividedByRootMeanSquare(
        alongAxes axes: [Int], epsilon: Double = 0x1p-23, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireReal("dividedByRootMeanSquare", file, line)
        let axes = normalized(axes: axes, "dividedByRootMeanSquare", file: file, line: line)
        return withCustomGradient(of: self) { x in
            x * x.inverseRootMeanSquare(axes, epsilon)
        } pullback: { gradient, x, y in
            // The root moves with x: the part of the gradient along y has no effect but through ε.
            (gradient - y * (gradient * y).mean(alongAxes: axes, keepingDims: true)) * x.inverseRootMeanSquare(axes, epsilon)
        }
    }

    private func inverseRootMeanSquare(_ axes: [Int], _ epsilon: Double) -> Tensor {
        rsqrt(square(self).mean(alongAxes: axes, keepingDims: true) + epsilon)
    }
}
