import Soma

/// Training steps of a generator and a discriminator of images of 28×28, as of A. Radford, L. Metz, S. Chintala, *Unsupervised
/// Representation Learning with Deep Convolutional Generative Adversarial Networks*, ICLR 2016: first the discriminator learns from a real and a
/// generated batch, then the generator from the discriminator.
final class AdversarialWorkload {
    private static let batch = 64
    private static let noise = 100

    private struct Generator: Layer {
        let project = Linear(from: noise, to: 128 * 7 * 7)
        let enlarge = Sequential(
            BatchNorm(128), ReLU(), TransposedConvolution(from: 128, to: 64, size: [4, 4], stride: [2], padding: [1], hasBias: false),
            BatchNorm(64), ReLU(), TransposedConvolution(from: 64, to: 1, size: [4, 4], stride: [2], padding: [1]), Tanh())

        func callAsFunction(_ z: Tensor) -> Tensor { enlarge(project(z).reshaped(to: [z.shape[0], 128, 7, 7])) }
    }

    private static func discriminator() -> Sequential {
        Sequential(
            Convolution(from: 1, to: 64, size: [4, 4], stride: [2], padding: .all(1)), LeakyReLU(slope: 0.2),
            Convolution(from: 64, to: 128, size: [4, 4], stride: [2], padding: .all(1), hasBias: false), BatchNorm(128), LeakyReLU(slope: 0.2),
            Flatten(), Linear(from: 128 * 7 * 7, to: 1))
    }

    private let images: Tensor
    private let update: CompiledStep
    /// Of the generator and of the discriminator.
    let parameters: [[Parameter]]

    init(_ device: Device) throws {
        (images, update, parameters) = try withDevice(device) {
            let (generator, discriminator) = (Generator(), Self.discriminator())
            let optimizers = try [generator, discriminator].map { (model: any Layer) in
                try Optimizer(Adam(beta1: 0.5), groups: [ParameterGroup(model.parameters)], learningRate: 2e-4)
            }
            let update = compiled { (images: Tensor) in
                try withTraining {
                    let fake = generator(.randomNormal([Self.batch, Self.noise], device: device))
                    let (real, generated) = (discriminator(images), discriminator(fake.withoutGradient()))
                    let discriminatorLoss = binaryCrossEntropy(logits: real, .ones(like: real)) + binaryCrossEntropy(logits: generated, .zeros(like: generated))
                    try optimizers[1].update(minimizing: discriminatorLoss)
                    let verdict = discriminator(fake)
                    let generatorLoss = binaryCrossEntropy(logits: verdict, .ones(like: verdict))
                    try optimizers[0].update(minimizing: generatorLoss)
                    return generatorLoss
                }
            }
            let images = try Tensor.randomNormal([Self.batch, 1, 28, 28]).realize()
            return (images, update, [generator.parameters, discriminator.parameters])
        }
    }

    /// The generator's loss.
    func step() throws -> Double { try update(images).item() }

    var prepared: PreparedWork {
        let count = parameters.joined().reduce(0) { $0 + $1.tensor.count }
        return PreparedWork(
            call: { [self] in _ = try step() }, work: { [self] in .training(update.programs, parameterCount: count, inputCount: images.count) })
    }
}
