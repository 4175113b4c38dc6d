import Soma

/// A deep network of sigmoid units, pre-trained layer by layer, beside the same network trained from random weights.
public struct DeepBeliefRecipe: TrainingRecipe {
    static let hidden = Setting("hidden", [200, 200, 200, 200, 200], "units of each hidden layer", eachIn: 1...65_536, count: 1...100)
    static let layer = Setting("layer", Pretraining.boltzmann, "what a layer is pre-trained as")
    static let pretraining = Setting("pretrain", 30, "epochs for each layer", in: 1...100_000)
    static let pretrainingRate = Setting("pretrain-lr", 0.05, "learning rate of pre-training", in: 0...100)
    static let steps = Setting("cd", 1, "steps of Gibbs sampling for an update of a restricted Boltzmann machine", in: 1...1000)
    static let persists = Setting("persistent", false, "whether its chains go on from update to update, in place of beginning at the data")
    static let corruption = Setting("corruption", 0.25, "share of what an autoencoder sees that is set to 0", in: 0...0.99)
    static let initialization = Setting("init", Initialization.uniform, "how weights of the random sigmoid network are drawn")
    static let batch = Setting("batch", 32, "samples per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 0.1, "learning rate of training by classes", in: 0...100)
    static let rectifierRate = Setting("relu-lr", 0.01, "that of the rectifiers, whose gradient is not small", in: 0...100)

    public let name = "deep-belief"
    public let summary = "a deep sigmoid network, pre-trained layer by layer, beside the same from random weights"
    public let discussion = """
        Before 2006 networks of many layers did not learn. G. Hinton, S. Osindero and Y. Teh trained one layer after the other, without \
        classes, each to account for what the one below makes of the data; begun with these weights the whole network learnt. Y. Bengio, \
        P. Lamblin, D. Popovici and H. Larochelle (2007) did the same with autoencoders: layer=autoencoder.

        Phases: the same sigmoid network from random weights; one of rectifiers with weights of variance 2 / inputs, as they are begun since 2015; \
        the hidden layers one by one; and at last the pre-trained network by classes. --epochs is for each network. Folders layer-1, layer-2 and \
        so on get pictures and their reconstructions after every epoch.

          soma train deep-belief
          soma train deep-belief --data data/mnist hidden=500,500,2000 pretrain=10 batch=100
        """
    public var settings: [any AnySetting] {
        [
            Self.hidden, Self.layer, Self.pretraining, Self.pretrainingRate, Self.steps, Self.persists, Self.corruption, Self.initialization,
            Self.batch, Self.rate, Self.rectifierRate,
        ]
    }
    public let data = FlatDigits.need
    public let defaultEpochs = 30

    /// Settings come with the context of each run.
    public init() {}

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let (settings, digits) = (context.settings, try FlatDigits(context, recipe: name))
        let networks = try context.model(trainedBy: SGD(momentum: 0.9)) { Self.networks(settings, pixels: digits.pixels) }
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        let setup = PhaseSetup(networks: networks, settings: settings, first: try digits.first(256), shown: try digits.shown(16))
        let phases = [
            TrainingPhase("random weights", epochs: context.epochs) {
                try setup.classification(networks.random, networks.randomNorms, DeepBeliefRecipe.rate)
            },
            TrainingPhase("rectifiers", epochs: context.epochs) {
                try setup.classification(networks.rectified, networks.rectifiedNorms, DeepBeliefRecipe.rectifierRate)
            },
        ] + settings[Self.hidden].indices.map { number in
            TrainingPhase("layer \(number + 1)", epochs: settings[Self.pretraining]) { try setup.pretraining(of: number) }
        } + [
            TrainingPhase("fine-tuning", epochs: context.epochs) {
                try setup.classification(networks.pretrained, networks.pretrainedNorms, DeepBeliefRecipe.rate)
            }
        ]
        var experiment = Experiment(context, networks, options, phases: phases, on: digits.training, validatedOn: digits.heldOut)
        experiment.metadata = digits.metadata
        experiment.exhibits = { folder in
            try DeepBeliefReport(networks, initialization: settings[Self.initialization]).exhibits(folder) { network in
                try Evaluator(PlainClassification(network: network)).evaluate(digits.heldOut)
            }
        }
        return experiment
    }

    private static func networks(_ settings: Settings, pixels: Int) -> DeepBeliefNetworks {
        DeepBeliefNetworks(
            pixels: pixels, hidden: settings[hidden], initialization: settings[initialization],
            chainCount: settings[persists] && settings[layer] == .boltzmann ? settings[batch] : nil)
    }

    // MARK: Answers

    public func session(_ checkpoint: Checkpoint, device: Device) throws -> Session {
        let side = DigitFiles.areNamed(in: checkpoint) ? 28 : 8
        let networks = try checkpoint.network(of: self, on: device) { Self.networks($0, pixels: side * side) }
        let input = PictureInput.ink(rows: side, columns: side, shape: [side * side])
        return Session(networks.pretrained, input: .picture(input), answer: .classes(DigitClasses.names), device: device)
    }

    public func testData(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool) throws -> TestData {
        try .flatDigits(of: checkpoint, in: folder, isTrainedOn: isTrainedOn, name)
    }
}

/// What a layer is pre-trained as.
enum Pretraining: String, SettingChoice {
    case boltzmann = "rbm"
    case autoencoder
}

/// What the phases of a run are made of.
private struct PhaseSetup {
    let networks: DeepBeliefNetworks
    let settings: Settings
    /// Samples by which gradients are measured.
    let first: Minibatch
    /// Pixels whose reconstructions are shown.
    let shown: Tensor

    /// Training of one network by classes, before which the norms of its gradient are kept.
    func classification(_ network: MLP, _ norms: State, _ rate: Setting<Double>) throws -> any TrainingTask {
        let objective = PlainClassification(network: network)
        let gradients = gradient(of: withTraining { objective.loss(first) }, withRespectTo: network.hidden.map(\.weight.tensor))
        norms.assign(Tensor(stacking: gradients.map(\.scaledNorm)))
        try realizeAll([norms.tensor])
        let optimizer = try Optimizer(SGD(momentum: 0.9), for: network, learningRate: .constant(settings[rate]))
        return SupervisedTask(networks, objective, optimizer)
    }

    func pretraining(of number: Int) throws -> any TrainingTask {
        let rate = settings[DeepBeliefRecipe.pretrainingRate]
        switch settings[DeepBeliefRecipe.layer] {
        case .boltzmann:
            return try ContrastiveDivergenceTask(networks, layer: number, steps: settings[DeepBeliefRecipe.steps], rate: rate, shown: shown)
        case .autoencoder:
            return try DenoisingTask(networks, layer: number, corruption: settings[DeepBeliefRecipe.corruption], rate: rate, shown: shown)
        }
    }
}
