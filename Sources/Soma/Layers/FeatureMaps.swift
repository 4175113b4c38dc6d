/// The feature maps that a convolution of a network gave.
public struct FeatureMaps: Sendable {
    /// The path to the layer in the network: `features.0`.
    public let layer: String
    /// The filters [K, C / groups, sizes…].
    public let filters: Tensor
    /// The maps [N, K, spatial…], before any activation function.
    public let maps: Tensor

    /// Nil where a tap is of no convolution.
    init?(_ tap: ModuleTap) {
        guard let convolution = tap.module as? Convolution else { return nil }
        (layer, filters, maps) = (tap.path, convolution.weight.tensor, tap.output)
    }
}

/// What the convolutions of `model` give while `body` runs it, in the order in which they come. Nothing is computed yet.
public func featureMaps(of model: any Module, _ body: () throws -> Tensor) rethrows -> [FeatureMaps] {
    try taps(of: model, body).taps.compactMap(FeatureMaps.init)
}
