import Soma
import SomaGraph

/// A generator of square pictures and the discriminator that it learns from.
///
/// A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*, ICLR 2016:
/// transposed convolutions instead of pooling, batch normalisation in both networks except in the last layer of the generator and the
/// first of the discriminator, weights drawn from N(0, 0.02²).
public struct DCGAN: Module {
    /// From random numbers [N, noise] to pictures [N, channels, side, side] from −1 to 1.
    public let generator: DCGANGenerator
    /// From pictures [N, channels, side, side] to logits [N, 1]: how much a picture looks like one of the data.
    public let discriminator: Sequential

    /// Weights are drawn from N(0, 0.02²).
    /// - Parameters:
    ///   - noise: how many random numbers a picture is made of.
    ///   - width: channels of the discriminator's first maps and of the generator's last.
    ///   - format: of the pictures; by default those of MNIST.
    ///   - normalizesDiscriminator: whether it has batch normalisation, under which the answer to a picture depends on the others of its batch; a
    ///     penalty on the gradient of each picture rules that out.
    public init(noise: Int = 100, width: Int = 64, format: DCGANFormat = .digits, normalizesDiscriminator: Bool = true) {
        generator = DCGANGenerator(noise: noise, width: width, format: format)
        let (weight, bias) = (DCGANGenerator.weight, Initializer.zeros)
        var layers: [any Layer] = [
            Convolution(from: format.channels, to: width, size: [4, 4], stride: [2], padding: .all(1), weight: weight, bias: bias), LeakyReLU(slope: 0.2),
        ]
        for stage in 1..<format.stages {
            let (inputs, outputs) = (width << (stage - 1), width << stage)
            layers.append(
                Convolution(
                    from: inputs, to: outputs, size: [4, 4], stride: [2], padding: .all(1), hasBias: !normalizesDiscriminator, weight: weight, bias: bias))
            if normalizesDiscriminator { layers.append(BatchNorm(outputs)) }
            layers.append(LeakyReLU(slope: 0.2))
        }
        discriminator = Sequential(layers + [Flatten(), Linear(from: format.startCount(width: width), to: 1, weight: weight, bias: bias)])
    }
}

/// The pictures of a `DCGAN`: square, and enlarged to twice the side a number of times.
public struct DCGANFormat: Hashable, Sendable {
    /// 1: grey, 3: red, green and blue.
    public let channels: Int
    /// Rows and columns.
    public let side: Int
    /// How often the generator doubles the side; with each time the maps are half as many.
    public let stages: Int

    /// Pictures of `side` × `side`; traps where `side` is no multiple of 2^stages.
    public init(channels: Int, side: Int, stages: Int) {
        guard channels > 0, stages > 0, side > 0, side % (1 << stages) == 0 else {
            programError("DCGANFormat", "\(channels) channels and a side of \(side), which is to be a multiple of 2^\(stages)")
        }
        (self.channels, self.side, self.stages) = (channels, side, stages)
    }

    /// Grey, of 28×28, from maps of 7×7.
    public static let digits = DCGANFormat(channels: 1, side: 28, stages: 2)
    /// In colour, of 64×64, from maps of 4×4, as in Radford's paper.
    public static let colour64 = DCGANFormat(channels: 3, side: 64, stages: 4)

    /// Rows and columns of the smallest maps.
    var startSide: Int { side >> stages }
    /// The number of the smallest maps.
    func startMaps(width: Int) -> Int { width << (stages - 1) }
    /// The values of all of the smallest maps.
    func startCount(width: Int) -> Int { startMaps(width: width) * startSide * startSide }
}

/// Makes pictures of random numbers, see `DCGAN`.
public struct DCGANGenerator: Layer {
    /// From random numbers [N, noise] to the values of the smallest maps.
    public let project: Linear
    /// From the smallest maps [N, maps, rows, columns] to pictures [N, channels, side, side] from −1 to 1.
    public let enlarge: Sequential
    private let start: [Int]

    static let weight = Initializer.normal(standardDeviation: 0.02)

    init(noise: Int, width: Int, format: DCGANFormat) {
        let (weight, bias) = (Self.weight, Initializer.zeros)
        project = Linear(from: noise, to: format.startCount(width: width), weight: weight, bias: bias)
        start = [format.startMaps(width: width), format.startSide, format.startSide]
        var layers: [any Layer] = []
        for stage in (1..<format.stages).reversed() {
            let (inputs, outputs) = (width << stage, width << (stage - 1))
            layers += [
                BatchNorm(inputs), ReLU(),
                TransposedConvolution(from: inputs, to: outputs, size: [4, 4], stride: [2], padding: [1], hasBias: false, weight: weight),
            ]
        }
        layers += [
            BatchNorm(width), ReLU(),
            TransposedConvolution(from: width, to: format.channels, size: [4, 4], stride: [2], padding: [1], weight: weight, bias: bias), Tanh(),
        ]
        enlarge = Sequential(layers)
    }

    /// [N, noise] → [N, channels, side, side].
    public func callAsFunction(_ z: Tensor) -> Tensor { enlarge(project(z).reshaped(to: Shape([z.shape[0]] + start))) }
}
