import Soma

/// Two layers and backpropagation learn what one unit cannot.
public struct XorRecipe: TrainingRecipe {
    static let hidden = Setting(
        "hidden", 4, "hidden units; two can be enough, but do not always find the way", in: 1...1000)
    static let loss = Setting("loss", LogicLoss.squared, "what is minimised")
    static let rate = Setting("lr", 0.1, "learning rate", in: 0...100)
    static let momentum = Setting("momentum", 0.9, "share of the last change that is made again", in: 0...0.999)
    static let sweeps = Setting("sweeps", 250, "sweeps over the truth table in an epoch", in: 1...1_000_000)
    static let gate = Setting("gate", Gate.xor, "the logical function")

    public let name = "xor"
    public let summary = "a two-layer sigmoid network learns XOR by backpropagation"
    public let discussion = """
        What a single unit cannot do, two layers can, once the error finds its way back to the first: backpropagation \
        (Rumelhart, Hinton and Williams, 1986). The picture shows the network's answer over the plane. Each update \
        takes all four rows of the truth table, and an epoch is many such sweeps.
        """
    public var settings: [any AnySetting] { [Self.hidden, Self.loss, Self.rate, Self.momentum, Self.sweeps, Self.gate] }
    public let data = DataNeed.embedded("the four pairs of truth values")
    public let defaultEpochs = 20

    /// Settings come with the context of each run.
    public init() {}

    public func experiment(_ context: RecipeContext) throws -> Experiment {
        let (settings, gate) = (context.settings, context.settings[Self.gate])
        let network = LogicNetwork(hiddenCount: settings[Self.hidden], deviation: 1)
        let optimizer = try Optimizer(SGD(momentum: settings[Self.momentum]), for: network, learningRate: .constant(settings[Self.rate]))
        let task = SupervisedTask(network, LogicObjective(network: network, form: settings[Self.loss]), optimizer)
        var options = Trainer.Options(epochs: context.epochs, batchSize: 1, seed: context.seed)
        options.readingInterval = settings[Self.sweeps]
        options.divergenceAdvice = context.advice(lower: Self.rate)
        let table = TruthTable(gate: gate, count: settings[Self.sweeps])
        var experiment = Experiment(context, task, options, on: table, validatedOn: TruthTable(gate: gate, count: 1))
        experiment.exhibits = { try exhibits(network, gate, $0) }
        return experiment
    }

    private func exhibits(_ network: LogicNetwork, _ gate: Gate, _ folder: String?) throws -> Exhibits {
        let answers: [Float] = try network(Tensor(Array(Gate.inputs.joined()), shape: [4, 2])).scalars()
        let rows = zip(zip(Gate.inputs, gate.outputs), answers).map { sample, answer in
            ["\(Int(sample.0[0]))", "\(Int(sample.0[1]))", "\(Int(sample.1))", Quantity.fixed(Double(answer), 3)]
        }
        let columns = ["x1", "x2", "target", "answer"]
        let table = RecipeEvent.table(Table("\(gate.title) and the network", columns: columns, rows: rows))
        guard let folder else { return Exhibits([table]) }
        let path = "\(folder)/surface.svg"
        try AtomicFile.write(try surface(network, gate).svg, to: path, links: .replaced)
        return Exhibits([table, .file(path: path)])
    }

    /// The network's answer over the plane.
    private func surface(_ network: LogicNetwork, _ gate: Gate) throws -> SVGHeatMap {
        let places = (0...80).map { Float($0) / 40 - 0.5 }
        let grid = places.flatMap { y in places.flatMap { x in [x, y] } }
        let answers: [Float] = try network(Tensor(grid, shape: [places.count * places.count, 2])).scalars()
        let rows = places.indices.map { row in answers[row * places.count..<(row + 1) * places.count].map(Double.init) }
        var map = SVGHeatMap(
            title: "Two layers and \(gate.title)", xLabel: "x1", yLabel: "x2", xRange: -0.5...1.5, yRange: -0.5...1.5,
            rows: rows, valueLabel: "answer of the network", valueRange: 0...1)
        map.marks = gate.marks
        return map
    }
}
