import Soma
import SomaZoo

/// Training steps of a `DCGAN`: first the discriminator learns from a real and a generated batch, then the generator from the discriminator.
final class AdversarialWorkload {
    private static let batch = 64
    private static let noise = 100

    private let images: Tensor
    private let update: CompiledStep
    /// Of the generator and of the discriminator.
    let parameters: [[Parameter]]

    init(_ device: Device) throws {
        (images, update, parameters) = try withDevice(device) {
            let networks = DCGAN(noise: Self.noise)
            let (generator, discriminator) = (networks.generator, networks.discriminator)
            let optimizers = try [generator.parameters, discriminator.parameters].map {
                try Optimizer(Adam(beta1: 0.5), groups: [ParameterGroup($0)], learningRate: 2e-4)
            }
            let update = compiled { (images: Tensor) in
                try withTraining {
                    let fake = generator(.randomNormal([Self.batch, Self.noise], device: device))
                    let (real, generated) = (discriminator(images), discriminator(fake.withoutGradient()))
                    try optimizers[1].update(minimizing: AdversarialLoss.standard.ofDiscriminator(real: real, generated: generated))
                    let generatorLoss = AdversarialLoss.standard.ofGenerator(discriminator(fake))
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
