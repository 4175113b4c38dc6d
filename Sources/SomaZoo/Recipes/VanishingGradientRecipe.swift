import Soma

/// The same deep perceptron with sigmoids and rectifiers, begun badly and well: how far the gradient reaches, and who
/// learns.
public struct VanishingGradientRecipe: Recipe {
    static let depths = Setting("depths", [3, 10, 20, 30], "numbers of hidden layers", eachIn: 1...100, count: 1...20)
    static let activations = Setting<[Activation]>(
        "activation", [.sigmoid, .relu], "activation functions to compare", limits: "at least one"
    ) { !$0.isEmpty }
    static let initializations = Setting<[Initialization]>(
        "init", [.small, .he], "initialisations to compare", limits: "at least one"
    ) { !$0.isEmpty }
    static let width = Setting("width", 64, "units of each hidden layer", in: 1...4096)
    static let batch = Setting("batch", 64, "samples per update", in: 1...10_000)
    static let rate = Setting("lr", 1e-3, "learning rate of Adam", in: 0...10)

    public let name = "vanishing-gradient"
    public let summary = """
        deep networks with sigmoid or ReLU, begun badly or well: where the gradient ends, and who learns
        """
    public let discussion = """
        Backpropagation multiplies by the slope of the activation function and by the weights at every layer. The slope \
        of a sigmoid is at most a quarter, and weights drawn too small do the rest: the first layers of a deep network \
        get no gradient (Hochreiter, 1991; Bengio, Simard and Frasconi, 1994). Rectifiers (Nair and Hinton, 2010; \
        Glorot, Bordes and Bengio, 2011) with weights of variance 2 / inputs (He et al., 2015) let it through. The \
        networks read the embedded digits. A run that was interrupted keeps the networks it has trained and goes on \
        with the one it was at.
        """
    public var settings: [any AnySetting] {
        [Self.depths, Self.activations, Self.initializations, Self.width, Self.batch, Self.rate]
    }
    public let data = DataNeed.embedded("1,797 digits of 8×8 pixels, a fifth of them held out")
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    @discardableResult
    public func run(_ context: RecipeContext) throws -> RecipeResult {
        let clock = ContinuousClock.now
        var result = RecipeResult()
        let trials = try trials(context, &result)
        for trial in trials { result.measures["\(trial.variant.key)_\(trial.depth)_accuracy"] = trial.accuracy }
        result.epochs = context.epochs
        result.seconds = (.now - clock) / .seconds(1)
        if !result.isInterrupted { try show(DepthReport(trials: trials), context) }
        return result
    }

    /// All trials, those that the checkpoint has and new ones; fewer where the run is interrupted.
    private func trials(_ context: RecipeContext, _ result: inout RecipeResult) throws -> [DepthTrial] {
        let (training, heldOut) = DigitsRecipe.dataSets
        let archive = try context.checkpoint.map { try DepthArchive($0, epochs: context.epochs) }
        var trials: [DepthTrial] = []
        for depth in context.settings[Self.depths] {
            for variant in variants(context) {
                let known = try archive?.trial(variant, depth: depth)
                let trial = try known ?? withDevice(context.device) {
                    try DepthTrial(variant, depth: depth, context, training: training, heldOut: heldOut)
                }
                if trial.isInterrupted {
                    result.isInterrupted = true
                    // Nothing is lost by leaving out a checkpoint of nothing.
                    if !trials.isEmpty { result.checkpoint = try save(trials, context) }
                    try context.report(.interrupted("at \(depth) hidden layers, \(variant.title)"))
                    return trials
                }
                trials.append(trial)
                try context.report(.message(Self.line(trial)))
                if known == nil { result.checkpoint = try save(trials, context) }
            }
        }
        return trials
    }

    private func save(_ trials: [DepthTrial], _ context: RecipeContext) throws -> String? {
        guard let folder = context.output else { return nil }
        let path = "\(folder)/last.safetensors"
        try DepthArchive.write(trials, metadata: SavedRun.metadata(self, context), to: path)
        try context.report(.training(.checkpoint(path: path, isBest: false)))
        return path
    }

    private func variants(_ context: RecipeContext) -> [DeepVariant] {
        context.settings[Self.activations].flatMap { activation in
            context.settings[Self.initializations].map { DeepVariant(activation: activation, initialization: $0) }
        }
    }

    private static func line(_ trial: DepthTrial) -> String {
        "\(trial.depth) hidden layers, \(trial.variant.title): gradient \(scientific(trial.reach)) at the first, "
            + (trial.hasDiverged ? "diverged" : "accuracy \(Quantity.fixed(trial.accuracy, 3))")
    }

    private func show(_ report: DepthReport, _ context: RecipeContext) throws {
        for table in [report.gradients, report.reach, report.accuracy] { try context.report(.table(table)) }
        guard let folder = context.output else { return }
        for (name, chart) in [("gradients", report.gradientChart), ("accuracy", report.accuracyChart)] {
            let path = "\(folder)/\(name).svg"
            try AtomicFile.write(chart.svg, to: path, links: .replaced)
            try context.report(.file(path: path))
        }
    }

    /// Of the deepest network of the last variant.
    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        guard let variant = variants(context).last, let depth = context.settings[Self.depths].max() else { return [] }
        return try withDevice(context.device) {
            let model = withRandomGenerator(RandomGenerator(seed: context.seed)) {
                variant.model(depth: depth, width: context.settings[Self.width])
            }
            let loss = try DepthTrial.firstLoss(model, DigitsRecipe.dataSets.training, seed: context.seed)
            return [loss] + gradient(of: loss, withRespectTo: model.parameters.map(\.tensor))
        }
    }
}
