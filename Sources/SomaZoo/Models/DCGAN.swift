import Soma

/// A generator of grey pictures of 28×28 and the discriminator that it learns from.
///
/// A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*, ICLR 2016:
/// transposed convolutions in the place of any pooling, batch normalisation in both networks but for the last layer of the generator and the
/// first of the discriminator, weights drawn from N(0, 0.02²).
public struct DCGAN: Module {
    /// From random numbers [N, noise] to pictures [N, 1, 28, 28] from −1 to 1.
    public let generator: DCGANGenerator
    /// From pictures [N, 1, 28, 28] to logits [N, 1]: how much a picture looks like one of the data.
    public let discriminator: Sequential

    /// Rows and columns of the pictures.
    public static let side = 28

    /// Weights are drawn from N(0, 0.02²).
    /// - Parameters:
    ///   - noise: how many random numbers a picture is made of.
    ///   - width: channels of the discriminator's first maps and of the generator's last.
    ///   - normalizesDiscriminator: whether it has batch normalisation, under which the answer to a picture depends on the others of its batch; a
    ///     penalty on the gradient of each picture rules that out.
    public init(noise: Int = 100, width: Int = 64, normalizesDiscriminator: Bool = true) {
        generator = DCGANGenerator(noise: noise, width: width)
        let (weight, bias) = (DCGANGenerator.weight, Initializer.zeros)
        let normalization: [any Layer] = normalizesDiscriminator ? [BatchNorm(2 * width)] : []
        discriminator = Sequential(
            [
                Convolution(from: 1, to: width, size: [4, 4], stride: [2], padding: .all(1), weight: weight, bias: bias), LeakyReLU(slope: 0.2),
                Convolution(
                    from: width, to: 2 * width, size: [4, 4], stride: [2], padding: .all(1), hasBias: !normalizesDiscriminator, weight: weight, bias: bias),
            ] + normalization + [LeakyReLU(slope: 0.2), Flatten(), Linear(from: 2 * width * 7 * 7, to: 1, weight: weight, bias: bias)])
    }
}

/// Makes pictures of random numbers, see `DCGAN`.
public struct DCGANGenerator: Layer {
    /// From random numbers [N, noise] to [N, 2 · width · 7 · 7].
    public let project: Linear
    /// From maps [N, 2 · width, 7, 7] to pictures [N, 1, 28, 28] from −1 to 1.
    public let enlarge: Sequential
    private let width: Int

    static let weight = Initializer.normal(standardDeviation: 0.02)

    init(noise: Int, width: Int) {
        let (weight, bias) = (Self.weight, Initializer.zeros)
        project = Linear(from: noise, to: 2 * width * 7 * 7, weight: weight, bias: bias)
        enlarge = Sequential(
            BatchNorm(2 * width), ReLU(),
            TransposedConvolution(from: 2 * width, to: width, size: [4, 4], stride: [2], padding: [1], hasBias: false, weight: weight),
            BatchNorm(width), ReLU(),
            TransposedConvolution(from: width, to: 1, size: [4, 4], stride: [2], padding: [1], weight: weight, bias: bias), Tanh())
        self.width = width
    }

    /// [N, noise] → [N, 1, 28, 28].
    public func callAsFunction(_ z: Tensor) -> Tensor { enlarge(project(z).reshaped(to: [z.shape[0], 2 * width, 7, 7])) }
}
