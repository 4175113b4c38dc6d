import SomaGraph

/// Other extents of the spatial axes of [N, C, spatial…], as `upsampled` gives them.
public struct Upsample: Layer {
    private enum Target: Sendable { case extents([Int]), factors([Int]) }
    private let target: Target
    public let interpolation: Interpolation

    /// - Parameter extents: one for each spatial axis.
    public init(to extents: [Int], _ interpolation: Interpolation = .nearest) {
        (target, self.interpolation) = (.extents(extents), interpolation)
    }

    /// - Parameter factors: one for all spatial axes, or one for each.
    public init(by factors: [Int], _ interpolation: Interpolation = .nearest) {
        (target, self.interpolation) = (.factors(factors), interpolation)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch target {
        case .extents(let extents): x.upsampled(to: extents, interpolation)
        case .factors(let factors): x.upsampled(by: factors, interpolation)
        }
    }
}

/// Channels become places: [N, C·rᵈ, spatial…] as [N, C, r·spatial…], as `pixelShuffled` defines it.
public struct PixelShuffle: Layer {
    public let factor: Int
    public init(_ factor: Int) { self.factor = factor }
    public func callAsFunction(_ x: Tensor) -> Tensor { x.pixelShuffled(factor) }
}

/// Places become channels: the inverse of `PixelShuffle`.
public struct PixelUnshuffle: Layer {
    public let factor: Int
    public init(_ factor: Int) { self.factor = factor }
    public func callAsFunction(_ x: Tensor) -> Tensor { x.pixelUnshuffled(factor) }
}

/// x / (k + α / size · Σ x²)^β, the sum over the `size` channels around each, as `localResponseNormalized` defines it.
public struct LocalResponseNorm: Layer {
    public let size: Int
    public let alpha, beta, k: Double

    public init(size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1) {
        (self.size, self.alpha, self.beta, self.k) = (size, alpha, beta, k)
    }

    public func callAsFunction(_ x: Tensor) -> Tensor { x.localResponseNormalized(size: size, alpha: alpha, beta: beta, k: k) }
}
