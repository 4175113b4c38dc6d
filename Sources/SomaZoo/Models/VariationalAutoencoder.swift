import Soma

/// An encoder that makes a normal distribution q(z | x) of a picture x, and a decoder that makes of a sample z of it how likely each pixel is lit.
///
/// Trained so that a lower bound of log p(x) rises, with z ~ N(0, I) before anything is seen:
///
///     log p(x) ≥ E log p(x | z) − KL(q(z | x) ‖ N(0, I)),    z = μ + σ ε,    ε ~ N(0, I)
///
/// D. Kingma, M. Welling, *Auto-Encoding Variational Bayes*, ICLR 2014; D. Rezende, S. Mohamed, D. Wierstra, ICML 2014.
public struct VariationalAutoencoder: Module {
    /// From pixels [N, pixels] to μ and log σ², beside one another [N, 2 · latents].
    public let encoder: MLP
    /// From z [N, latents] to a logit for each pixel [N, pixels].
    public let decoder: MLP
    private let latents: Int

    /// Weights and biases are drawn uniformly on ±1/√inputs. Traps where a size is not positive.
    /// - Parameters:
    ///   - hidden: the units of the encoder's hidden layers, from the pixels on; the decoder has them in the other order.
    ///   - latents: the numbers that a picture is made of.
    public init(pixels: Int, hidden: [Int], latents: Int, activation: Activation) {
        encoder = MLP([pixels] + hidden + [2 * latents], activation: activation, initialization: .uniform)
        decoder = MLP([latents] + hidden.reversed() + [pixels], activation: activation, initialization: .uniform)
        self.latents = latents
    }

    /// μ and log σ² of q(z | x), [N, latents] each, for pixels x [N, pixels].
    public func posterior(_ pixels: Tensor) -> (mean: Tensor, logVariance: Tensor) {
        let both = encoder(pixels)
        return (both[.all, 0..<latents], both[.all, latents..<2 * latents])
    }

    /// The two parts of the bound for each picture [N], in nats: −log p(x | z) of one sample z, and KL(q(z | x) ‖ N(0, I)).
    /// - Parameters:
    ///   - pixels: [N, pixels] from 0 to 1; a grey one counts as the probability of being lit.
    ///   - noise: ε [N, latents].
    public func losses(_ pixels: Tensor, noise: Tensor) -> (reconstruction: Tensor, divergence: Tensor) {
        let (mean, logVariance) = posterior(pixels)
        let logits = decoder(mean + exp(0.5 * logVariance) * noise)
        let divergence = 0.5 * (exp(logVariance) + square(mean) - 1 - logVariance)
        return (binaryCrossEntropy(logits: logits, pixels, reduction: .none).sum(alongAxes: 1), divergence.sum(alongAxes: 1))
    }
}
