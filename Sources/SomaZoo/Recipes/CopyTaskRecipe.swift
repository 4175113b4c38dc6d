import Soma

/// Recurrent networks that are to remember symbols over a hundred steps: which of them learn it, and how far their gradients reach.
public struct CopyTaskRecipe: TrainingRecipe {
    static let models = Setting<[CopyNetwork.Kind]>("models", [.rnn, .lstm], "recurrent layers to compare", limits: "at least one, each once") {
        !$0.isEmpty && Set($0).count == $0.count
    }
    static let delay = Setting("delay", 100, "steps between the symbols and their telling", in: 1...10_000)
    static let symbols = Setting("symbols", 3, "symbols to remember", in: 1...100)
    static let alphabet = Setting("alphabet", 8, "different symbols", in: 2...1000)
    static let units = Setting("units", 64, "units of each layer", in: 1...4096)
    static let keeps = Setting("keep", true, "whether gates begin so that cells keep what they have for about as long as is asked for")
    static let samples = Setting("samples", 3200, "sequences of an epoch, which are new in each", in: 1...1_000_000)
    static let batch = Setting("batch", 32, "sequences per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 1e-2, "learning rate of Adam", in: 0...10)
    static let clip = Setting("clip", 1.0, "the Euclidean norm to which gradients are cut; 0: not at all", in: 0...1_000_000)

    public let name = "copy-task"
    public let summary = "what a simple recurrent network cannot remember for a hundred steps, and an LSTM can"
    public let discussion = """
        A network reads three symbols, then a hundred steps of nothing, then a sign, and is to tell the symbols. Backpropagation through time \
        multiplies by the same matrix and by slopes below 1 at every step, so that nothing of the error comes back to the symbols \
        (S. Hochreiter, 1991; Y. Bengio, P. Simard and P. Frasconi, 1994). Long short-term memory adds to a cell that keeps what it has until \
        a gate lets it go (S. Hochreiter and J. Schmidhuber, 1997).

        The networks are trained one after the other, each epoch on new sequences. curves.svg shows who learns, gradients.svg how the loss changes \
        with the state behind each step, before training and after it. Whoever guesses is right about one symbol in eight.

          soma train copy-task
          soma train copy-task models=rnn,lstm,gru delay=200
        """
    public var settings: [any AnySetting] {
        [
            Self.models, Self.delay, Self.symbols, Self.alphabet, Self.units, Self.keeps, Self.samples, Self.batch, Self.rate, Self.clip,
        ]
    }
    public let data = DataNeed.embedded("sequences that are drawn by the seed")
    public let defaultEpochs = 12

    /// Settings come with the context of each run.
    public init() {}

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let settings = context.settings
        // From a generator of their own, so that the networks as they began can be drawn again.
        func draw() -> CopyNetworks { withRandomSeed(context.seed) { Self.networks(settings) } }
        let module = try context.model(trainedBy: Adam(), draw)
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        let clip = settings[Self.clip]
        let phases = module.networks.map { network in
            TrainingPhase(network.kind.title, epochs: context.epochs) {
                let optimizer = try Optimizer(
                    Adam(), for: network, learningRate: .constant(settings[Self.rate]), clipping: clip > 0 ? .byNorm(clip) : nil)
                return SupervisedTask(module, CopyObjective(network: network), optimizer)
            }
        }
        func sequences(_ count: Int, isHeldOut: Bool) -> CopySequences {
            CopySequences(
                count: count, symbols: settings[Self.symbols], delay: settings[Self.delay], alphabet: settings[Self.alphabet], seed: context.seed,
                isHeldOut: isHeldOut)
        }
        let heldOut = sequences(512, isHeldOut: true)
        var experiment = Experiment(
            context, module, options, phases: phases, on: sequences(settings[Self.samples], isHeldOut: false), validatedOn: heldOut)
        experiment.exhibits = { try CopyReport(untrained: draw(), trained: module, heldOut: heldOut).exhibits($0) }
        return experiment
    }

    private static func networks(_ settings: Settings) -> CopyNetworks {
        let lag = settings[keeps] ? settings[delay] + settings[symbols] : nil
        return CopyNetworks(networks: settings[models].map {
            CopyNetwork($0, alphabet: settings[alphabet], symbols: settings[symbols], units: settings[units], lag: lag)
        })
    }
}
