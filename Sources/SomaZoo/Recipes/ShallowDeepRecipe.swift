import Soma

/// Networks with equal numbers of parameters in one, two, three and more hidden layers, on the same data.
public struct ShallowDeepRecipe: TrainingRecipe {
    static let depths = Setting("depths", [1, 2, 3, 5], "numbers of hidden layers", eachIn: 1...100, count: 1...20)
    static let parameters = Setting("parameters", 8000, "parameters of each network that reads digits, at most", in: 1...100_000_000)
    static let functions = Setting<[FoldedFunction]>("functions", [.sawtooth, .parity], "functions to learn beside digits; may be none")
    static let functionParameters = Setting("function-parameters", 300, "parameters of each network that learns a function, at most", in: 1...100_000_000)
    static let folds = Setting("folds", 3, "folds of the saw-tooth, which has 2^folds slopes", in: 1...12)
    static let bits = Setting("bits", 8, "bits whose parity is told", in: 2...16)
    static let activation = Setting("activation", Activation.relu, "function behind each hidden layer")
    static let initialization = Setting("init", Initialization.uniform, "how weights are drawn; of one input he would have all units bend at 0")
    static let batch = Setting("batch", 32, "samples per batch", in: 1...1_000_000)
    static let rate = Setting("lr", 3e-3, "learning rate of Adam, which falls to 0 along a cosine", in: 0...10)

    public let name = "shallow-deep"
    public let summary = "as many parameters in one hidden layer or in several: digits, and functions that fold their input"
    public let discussion = """
        One hidden layer can be anything, if it is wide enough (Cybenko, 1989; Hornik, 1991). How wide is the question: a saw-tooth of 2^k slopes \
        is k layers of two rectifiers, and one layer needs 2^k of them (M. Telgarsky, 2016). Networks of equal numbers of parameters are trained \
        on digits, on such a saw-tooth and on the parity of bits. A table shows the saw-tooth also as networks that are written down: that \
        a deep network could represent a function does not mean that training finds it.

          soma train shallow-deep
          soma train shallow-deep --data data/mnist --epochs 5 parameters=50000 depths=1,2,3,5,8 functions=
        """
    public var settings: [any AnySetting] {
        [Self.depths, Self.parameters, Self.functions, Self.functionParameters, Self.folds, Self.bits, Self.activation, Self.initialization, Self.batch, Self.rate]
    }
    public let data = FlatDigits.need
    public let defaultEpochs = 30

    /// Settings come with the context of each run.
    public init() {}

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let (settings, digits) = (context.settings, try FlatDigits(context, recipe: name))
        let depths = settings[Self.depths]
        let problems = [Self.digits(digits)] + settings[Self.functions].map { Self.problem($0, settings) }
        let sizes = try problems.enumerated().map { number, problem in
            try depths.map { try problem.sizes(depth: $0, within: settings[number == 0 ? Self.parameters : Self.functionParameters]) }
        }
        let module = try context.model(trainedBy: Adam()) {
            ShallowDeepNetworks(networks: sizes.joined().map { MLP($0, activation: settings[Self.activation], initialization: settings[Self.initialization]) })
        }
        var options = Trainer.Options(epochs: context.epochs, batchSize: settings[Self.batch], seed: context.seed)
        options.divergenceAdvice = context.advice(lower: Self.rate)
        let phases = problems.enumerated().flatMap { number, problem in
            depths.indices.map { depth in
                let network = module.networks[number * depths.count + depth]
                let title = "\(problem.title), \(Quantity.counted(depths[depth], "hidden layer"))"
                return TrainingPhase(title, epochs: context.epochs, on: problem.training, evaluatingOn: problem.heldOut) {
                    try Self.task(module, network, problem, context)
                }
            }
        }
        var experiment = Experiment(context, module, options, phases: phases, on: digits.training, validatedOn: problems[problems.count - 1].heldOut)
        experiment.metadata = digits.metadata
        let current = problems[(context.checkpoint?.phase?.number ?? 0) / depths.count % problems.count]
        experiment.remarks = [try context.scheduleChange("cosine") { Self.schedule(current, context, epochs: $0) }].compactMap { $0 }
        let report = ShallowDeepReport(problems: problems, depths: depths, folds: settings[Self.folds], networks: module.networks)
        experiment.exhibits = { try report.exhibits($0) }
        return experiment
    }

    private static func task(_ module: ShallowDeepNetworks, _ network: MLP, _ problem: DepthProblem, _ context: RecipeContext) throws -> any TrainingTask {
        let optimizer = try Optimizer(Adam(), for: network, learningRate: schedule(problem, context, epochs: context.epochs))
        return SupervisedTask(module, PlainClassification(network: network), optimizer)
    }

    private static func schedule(_ problem: DepthProblem, _ context: RecipeContext, epochs: Int) -> Schedule {
        .cosine(from: context.settings[rate], over: max(1, epochs * problem.training.updatesPerEpoch(batchSize: context.settings[batch])))
    }

    private static func digits(_ digits: FlatDigits) -> DepthProblem {
        DepthProblem(
            title: "digits", key: "digits", training: digits.training, heldOut: digits.heldOut, inputs: digits.pixels, classes: DigitClasses.names.count)
    }

    private static func problem(_ function: FoldedFunction, _ settings: Settings) -> DepthProblem {
        let (training, heldOut, inputs): (any DataSet, any DataSet, Int)
        switch function {
        case .sawtooth:
            let folds = settings[folds]
            (training, heldOut, inputs) = (SawTooth(folds: folds, count: 4096, seed: 1), SawTooth(folds: folds, grid: 1024), 1)
        case .parity:
            let parts = Parity(bits: settings[bits]).split(heldOut: 0.25, seed: 1)
            (training, heldOut, inputs) = (parts.training, parts.heldOut, settings[bits])
        }
        return DepthProblem(
            title: function.title, key: function.rawValue, training: training, heldOut: heldOut, inputs: inputs, classes: 2)
    }
}
