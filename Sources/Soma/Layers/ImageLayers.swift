import SomaGraph

/// Changes the extents of the spatial axes of [N, C, spatial…], as `upsampled` does.
public struct Upsample: Layer {
    private enum Target: Sendable { case extents([Int]), factors([Int]) }
    private let target: Target
    /// How elements between those of x are found.
    public let interpolation: Interpolation

    /// The spatial axes get these extents, whatever they were.
    /// - Parameter extents: one for each spatial axis.
    public init(to extents: [Int], _ interpolation: Interpolation = .nearest) {
        (target, self.interpolation) = (.extents(extents), interpolation)
    }

    /// Extents that are `factor` times as long along all spatial axes.
    public init(by factor: Int, _ interpolation: Interpolation = .nearest) { self.init(by: [factor], interpolation) }

    /// The spatial extents are multiplied.
    /// - Parameter factors: one for all spatial axes, or one for each.
    public init(by factors: [Int], _ interpolation: Interpolation = .nearest) {
        (target, self.interpolation) = (.factors(factors), interpolation)
    }

    /// [N, C, spatial…] with the extents of the layer. Traps where their number is not that of x's spatial axes.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch target {
        case .extents(let extents): x.upsampled(to: extents, interpolation)
        case .factors(let factors): x.upsampled(by: factors, interpolation)
        }
    }
}

/// Moves channels to places: [N, C·rᵈ, spatial…] becomes [N, C, r·spatial…], as `pixelShuffled` defines it.
public struct PixelShuffle: Layer {
    /// r: how much larger each spatial extent becomes.
    public let factor: Int
    /// A layer without parameters.
    /// - Parameter factor: r, at least 1; rᵈ divides the channels of x, which is checked with each x.
    public init(_ factor: Int) { self.factor = factor }
    /// [N, C, r·spatial…] of x [N, C·rᵈ, spatial…], with d spatial axes.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.pixelShuffled(factor) }
}

/// Moves places to channels: the inverse of `PixelShuffle`.
public struct PixelUnshuffle: Layer {
    /// r: how much smaller each spatial extent becomes.
    public let factor: Int
    /// A layer without parameters.
    /// - Parameter factor: r, at least 1; it divides each spatial extent of x, which is checked with each x.
    public init(_ factor: Int) { self.factor = factor }
    /// [N, C·rᵈ, spatial…] of x [N, C, r·spatial…], with d spatial axes.
    public func callAsFunction(_ x: Tensor) -> Tensor { x.pixelUnshuffled(factor) }
}

/// x / (k + α / size · Σ x²)^β, the sum over the `size` channels around each, as `localResponseNormalized` defines it.
public struct LocalResponseNorm: Layer {
    /// How many channels count, the own one included.
    public let size: Int
    /// α, β and k of the equation.
    public let alpha, beta, k: Double

    /// The defaults are PyTorch's. AlexNet's paper has size 5, k 2 and an α of 10⁻⁴ that multiplies the sum, which is α = 5·10⁻⁴ here.
    public init(size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1) {
        (self.size, self.alpha, self.beta, self.k) = (size, alpha, beta, k)
    }

    /// Of the shape of x [N, C, …].
    public func callAsFunction(_ x: Tensor) -> Tensor { x.localResponseNormalized(size: size, alpha: alpha, beta: beta, k: k) }
}
