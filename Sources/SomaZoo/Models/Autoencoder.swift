import Soma

/// Two multilayer perceptrons: one makes a short code of pixels, the other pixels of the code.
///
/// Without hidden layers both are linear, and the best code spans the first principal axes (P. Baldi, K. Hornik, *Neural Networks and Principal
/// Component Analysis*, 1989); with them it bends (G. Hinton, R. Salakhutdinov, *Reducing the Dimensionality of Data with Neural Networks*, 2006).
public struct Autoencoder: Layer {
    /// From pixels [N, pixels] to codes [N, code].
    public let encoder: MLP
    /// From codes [N, code] to pixels [N, pixels], which are not bounded.
    public let decoder: MLP

    /// Weights are drawn by the current generator. Traps where a size is not positive.
    /// - Parameters:
    ///   - hidden: the units of the encoder's hidden layers, from the pixels on; the decoder has them in the other order.
    ///   - code: the numbers that a picture is made into.
    public init(pixels: Int, hidden: [Int], code: Int, activation: Activation, initialization: Initialization) {
        let sizes = [pixels] + hidden + [code]
        encoder = MLP(sizes, activation: activation, initialization: initialization)
        decoder = MLP(sizes.reversed(), activation: activation, initialization: initialization)
    }

    /// The reconstruction [N, pixels] of pixels [N, pixels].
    public func callAsFunction(_ pixels: Tensor) -> Tensor { decoder(encoder(pixels)) }
}
