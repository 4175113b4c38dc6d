import Soma

/// A generator and a discriminator train each other on pictures from 0 to 1 in the field `image`.
struct AdversarialTask: TrainingTask {
    private let judged: JudgedDCGAN
    private let scores: GeneratorScores
    private let form: AdversarialLoss
    private let noise: Int
    private let samples: NoiseSource
    /// Steps of the discriminator alone, and then one of both.
    let turns: [String]
    let generator: Player
    let discriminator: Player

    /// How much the penalty of a discriminator's slope weighs.
    private static let penaltyWeight = 10.0
    private static let (aloneTurn, bothTurn) = ("discriminator", "both")
    private static let previewSide = 8
    static let previewName = "samples"

    /// - Parameters:
    ///   - discriminatorSteps: its steps for one of the generator.
    ///   - rate: by updates of the discriminator.
    ///   - average: d of the moving average a ← d a + (1 − d) w of the generator's weights, by which pictures are made; nil: by the weights.
    ///   - classes: what the classes are called that the judge predicts.
    ///   - seed: of the numbers that the pictures of every epoch are made of.
    /// - Throws: `BackendError`.
    init(_ judged: JudgedDCGAN, _ form: AdversarialLoss, discriminatorSteps: Int, rate: Schedule, average: Double?, noise: Int, classes: [String], seed: UInt64) throws {
        (self.judged, self.form, self.noise) = (judged, form, noise)
        turns = Array(repeating: Self.aloneTurn, count: discriminatorSteps - 1) + [Self.bothTurn]
        (scores, samples) = (GeneratorScores(module: judged, classes: classes), NoiseSource(count: noise, seed: seed))
        func player(_ name: String, _ model: some Module, _ rate: Schedule, averageDecay: Double? = nil) throws -> Player {
            Player(name, try Optimizer(Self.rule(form), for: model, learningRate: rate, averageDecay: averageDecay))
        }
        discriminator = try player("discriminator", judged.networks.discriminator, rate)
        // It moves once while the discriminator moves so often.
        let generatorRate = Schedule { rate.rate(after: $0 * discriminatorSteps) }
        generator = try player("generator", judged.networks.generator, generatorRate, averageDecay: average)
    }

    /// The rule of both players: that of Radford's paper, or of Gulrajani's.
    static func rule(_ form: AdversarialLoss) -> Adam {
        switch form {
        case .standard, .hinge: Adam(beta1: 0.5)
        case .wasserstein: Adam(beta1: 0, beta2: 0.9)
        }
    }

    var module: any Module { judged }
    var players: [Player] { [discriminator, generator] }
    var criterion: Criterion? { scores.criterion }
    func metrics(_ batch: Minibatch) -> [Metric] { scores.metrics(batch) }
    func details(_ batch: Minibatch) -> [Metric] { scores.details(batch) }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let networks = judged.networks
        let real = SignedPixels()(batch["image"])
        let fake = networks.generator(.randomNormal([batch.count, noise]))
        let seen = fake.withoutGradient()
        try context.minimize(discriminatorLoss(real, seen), by: discriminator)
        guard context.turn == Self.bothTurn else { return }
        try context.minimize(form.ofGenerator(networks.discriminator(fake)), by: generator)
    }

    private func discriminatorLoss(_ real: Tensor, _ generated: Tensor) -> Tensor {
        let network = judged.networks.discriminator
        let loss = form.ofDiscriminator(real: network(real), generated: network(generated))
        switch form {
        case .standard, .hinge: return loss
        case .wasserstein:
            return loss + AdversarialLoss.gradientPenalty(real: real, generated: generated, network.callAsFunction) * Self.penaltyWeight
        }
    }

    func preview() throws -> [Preview] {
        let side = Self.previewSide
        let numbers = (0..<side * side).flatMap(samples.values)
        let sheet = try PictureSheet(judged.networks.generator(Tensor(numbers, shape: [side * side, noise])), from: -1...1)
        return [Preview(Self.previewName, .picture(sheet.picture))]
    }
}
