import Soma

/// The losses of a generator and its discriminator.
public enum AdversarialLoss: String, SettingChoice {
    /// The cross-entropy of real against generated pictures; the generator wants its pictures to be taken for real.
    ///
    /// I. Goodfellow et al., *Generative Adversarial Nets*, NeurIPS 2014.
    case standard
    /// The discriminator wants real pictures above 1 and generated ones below −1; beyond that nothing pulls.
    ///
    /// J. H. Lim, J. C. Ye, *Geometric GAN*, 2017.
    case hinge
    /// The distance that must be travelled to make one distribution of the other, by a discriminator whose slope is kept near 1.
    ///
    /// I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin, A. Courville, *Improved Training of Wasserstein GANs*, NeurIPS 2017.
    case wasserstein

    /// What the discriminator minimises, without the penalty on its slope.
    /// - Parameters:
    ///   - real: its answers to pictures of the data, [N, 1].
    ///   - generated: its answers to pictures of the generator, [N, 1].
    public func ofDiscriminator(real: Tensor, generated: Tensor) -> Tensor {
        switch self {
        case .standard: binaryCrossEntropy(logits: real, .ones(like: real)) + binaryCrossEntropy(logits: generated, .zeros(like: generated))
        case .hinge: hingeLoss(real, .ones(like: real)) + hingeLoss(generated, -Tensor.ones(like: generated))
        case .wasserstein: generated.mean() - real.mean()
        }
    }

    /// What the generator minimises.
    /// - Parameter generated: the discriminator's answers to its pictures, [N, 1].
    public func ofGenerator(_ generated: Tensor) -> Tensor {
        switch self {
        case .standard: binaryCrossEntropy(logits: generated, .ones(like: generated))
        case .hinge, .wasserstein: -generated.mean()
        }
    }

    /// The mean of (‖∇D‖ − 1)² at a place between each real picture and a generated one, drawn at random. Its gradient is one of second order.
    /// - Parameters:
    ///   - real, generated: pictures [N, …].
    ///   - discriminator: an answer for each picture, which must not depend on the others.
    public static func gradientPenalty(real: Tensor, generated: Tensor, _ discriminator: (Tensor) -> Tensor) -> Tensor {
        let share = Tensor.randomUniform(Shape([real.shape[0]] + [Int](repeating: 1, count: real.rank - 1)))
        let between = real * share + generated * (1 - share)
        let slope = gradient(of: discriminator(between).sum(), withRespectTo: between).flattened(fromAxis: 1)
        // The root has no slope at 0.
        return square(sqrt(square(slope).sum(alongAxes: 1) + 1e-12) - 1).mean()
    }
}
