import Soma

/// What all ways of pre-training a layer measure and show.
protocol PretrainingTask: TrainingTask {
    var networks: DeepBeliefNetworks { get }
    /// The layer that is trained, from 0.
    var number: Int { get }
    var player: Player { get }
    /// Pixels [n, pixels] whose reconstructions are shown.
    var shown: Tensor { get }
}

extension PretrainingTask {
    var module: any Module { networks }
    var players: [Player] { [player] }
    var criterion: Criterion? { nil }

    /// The mean over samples and units of what the layer sees less its reconstruction, squared.
    func metrics(_ batch: Minibatch) -> [Metric] {
        let machine = networks.machine(number)
        let seen = networks.input(of: number, batch["image"])
        let error = square(seen - machine.visible(machine.hidden(seen))).mean(alongAxes: 1)
        return [.mean("reconstruction_error", sum: error.sum(), title: "reconstruction error")]
    }

    /// Pictures, and below them what comes of them through all layers so far.
    func preview() throws -> [Preview] {
        let rebuilt = networks.reconstruction(through: number, shown)
        return [Preview("layer-\(number + 1)", .picture(try PixelSheet.comparing(shown, rebuilt)))]
    }
}

/// Trains a layer as a restricted Boltzmann machine by contrastive divergence: towards the data, and away from what `steps` steps of Gibbs
/// sampling make of them, or of chains that go on from update to update.
///
/// G. Hinton, S. Osindero, Y. Teh, *A Fast Learning Algorithm for Deep Belief Nets*, Neural Computation, 2006; T. Tieleman, *Training Restricted
/// Boltzmann Machines Using Approximations to the Likelihood Gradient*, ICML 2008, for the chains.
struct ContrastiveDivergenceTask: PretrainingTask {
    let networks: DeepBeliefNetworks
    let number: Int
    let player: Player
    let shown: Tensor
    private let steps: Int

    /// - Parameter steps: of Gibbs sampling for one update.
    /// - Throws: `BackendError`.
    init(_ networks: DeepBeliefNetworks, layer number: Int, steps: Int, rate: Double, shown: Tensor) throws {
        (self.networks, self.number, self.steps, self.shown) = (networks, number, steps, shown)
        let rule = SGD(momentum: 0.9, weightDecay: 2e-4)
        // Hinton's guide begins with half the momentum; a rate that rises over the first 100 updates does the same.
        player = Player("layer", try Optimizer(rule, for: networks.machine(number), learningRate: .constant(rate).warmedUp(over: 100)))
    }

    var lossNames: [String] { ["reconstruction_error"] }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let machine = networks.machine(number)
        let seen = networks.input(of: number, batch["image"]).withoutGradient()
        let hidden = machine.hidden(seen)
        context.tell("reconstruction_error", square(seen - machine.visible(hidden)).mean())
        var units = networks.chains.isEmpty ? BoltzmannMachine.sample(hidden) : networks.chains[number].tensor
        var (sampled, sampledHidden) = (seen, hidden)
        for _ in 0..<steps {
            sampled = machine.visible(units)
            // Pixels that are sampled too would add noise to every weight; a chain that goes on needs them to move.
            if !networks.chains.isEmpty { sampled = BoltzmannMachine.sample(sampled) }
            sampledHidden = machine.hidden(sampled)
            units = BoltzmannMachine.sample(sampledHidden)
        }
        try context.apply(
            zip(Self.statistics(sampled, sampledHidden), Self.statistics(seen, hidden)).map { $0.0 - $0.1 }, by: player)
        if !networks.chains.isEmpty { networks.chains[number].assign(units) }
    }

    /// ⟨h vᵀ⟩, ⟨h⟩ and ⟨v⟩: minus the slope of the energy by W, b and a.
    private static func statistics(_ visible: Tensor, _ hidden: Tensor) -> [Tensor] {
        let count = Double(visible.shape[0])
        return [matmul(hidden.transposed(), visible) / count, hidden.mean(alongAxes: 0), visible.mean(alongAxes: 0)]
    }
}

/// Trains a layer as a denoising autoencoder: from what it sees, with a part of it set to 0, it rebuilds the whole by the same weights.
///
/// Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle, *Greedy Layer-Wise Training of Deep Networks*, NIPS 2006; P. Vincent and others,
/// *Extracting and Composing Robust Features with Denoising Autoencoders*, ICML 2008.
struct DenoisingTask: PretrainingTask {
    let networks: DeepBeliefNetworks
    let number: Int
    let player: Player
    let shown: Tensor
    private let corruption: Double

    /// - Parameter corruption: the share of what it sees that is set to 0.
    /// - Throws: `BackendError`.
    init(_ networks: DeepBeliefNetworks, layer number: Int, corruption: Double, rate: Double, shown: Tensor) throws {
        (self.networks, self.number, self.corruption, self.shown) = (networks, number, corruption, shown)
        player = Player("layer", try Optimizer(SGD(momentum: 0.9), for: networks.machine(number), learningRate: .constant(rate)))
    }

    var lossNames: [String] { ["reconstruction_loss"] }

    /// The cross-entropy of what is seen and rebuilt, summed over units.
    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let machine = networks.machine(number)
        let seen = networks.input(of: number, batch["image"]).withoutGradient()
        let isKept = (Tensor.randomUniform(seen.shape, device: seen.device) .>= corruption).as(.float32)
        let hidden = machine.hidden(seen * isKept)
        let logits = matmul(hidden, machine.layer.weight.tensor) + machine.visibleBias.tensor
        let loss = (softplus(logits) - seen * logits).sum() / Double(batch.count)
        try context.minimize(loss, by: player, as: "reconstruction_loss")
    }
}

/// Classes told by a network; nothing chooses an epoch, so that what is told is that of the last weights.
struct PlainClassification: Objective {
    let network: MLP

    private var whole: Classification<MLP> { Classification(network) }
    var criterion: Criterion? { nil }
    func loss(_ batch: Minibatch) -> Tensor { whole.loss(batch) }
    func metrics(_ batch: Minibatch) -> [Metric] { whole.metrics(batch) }
    func details(_ batch: Minibatch) -> [Metric] { whole.details(batch) }
}
