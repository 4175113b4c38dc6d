import Soma

struct Adversaries: Module {
    let generator = Sequential(
        Linear(from: 16, to: 32 * 2 * 2), Unflatten(to: [32, 2, 2]), BatchNorm(32), ReLU(),
        TransposedConvolution(from: 32, to: 16, size: 4, stride: 2, padding: 1), BatchNorm(16), ReLU(),
        TransposedConvolution(from: 16, to: 1, size: 4, stride: 2, padding: 1), Tanh())
    let discriminator = Sequential(
        Convolution(from: 1, to: 16, size: 4, stride: 2, padding: 1), LeakyReLU(slope: 0.2),
        Convolution(from: 16, to: 32, size: 4, stride: 2, padding: 1), LeakyReLU(slope: 0.2),
        Flatten(), Linear(from: 32 * 2 * 2, to: 1))
}

struct Game: TrainingTask {
    let networks = Adversaries()
    let generator, discriminator: Player

    init() throws {
        let (rule, rate) = (Adam(beta1: 0.5), 1e-3)
        generator = Player("generator", try Optimizer(rule, for: networks.generator, learningRate: rate))
        discriminator = Player("discriminator", try Optimizer(rule, for: networks.discriminator, learningRate: rate))
    }

    var module: any Module { networks }
    var players: [Player] { [generator, discriminator] }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let (real, fake) = (batch["image"], networks.generator(.randomNormal([batch.count, 16])))
        let loss = loss(of: real, being: 1) + loss(of: fake.withoutGradient(), being: 0)
        try context.minimize(loss, by: discriminator)
        try context.minimize(self.loss(of: fake, being: 1), by: generator)
    }

    func loss(of images: Tensor, being target: Double) -> Tensor {
        let logits = networks.discriminator(images)
        return binaryCrossEntropy(logits: logits, .full(like: logits, target))
    }
}

@main struct Example {
    static func main() throws {
        let game = try Game()
        let digits = Digits.dataSet(shape: [1, 8, 8], mean: 0.5, deviation: 0.5)
        try Trainer(game, .init(epochs: 20, batchSize: 64, seed: 1)).run(on: digits) { event in
            if let epoch = event.epoch { print(epoch) }
        }

        let samples = game.networks.generator(.randomNormal([64, 16]))
        try PictureSheet(samples, from: -1...1).picture.write(to: "samples.png")
    }
}
