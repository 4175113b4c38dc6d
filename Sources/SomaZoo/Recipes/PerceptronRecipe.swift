import Soma

/// One unit learns logical functions, or cannot.
public struct PerceptronRecipe: Recipe {
    static let gates = Setting<[Gate]>(
        "gates", [.and, .or, .xor], "logical functions to learn", limits: "at least one"
    ) { !$0.isEmpty }

    public let name = "perceptron"
    public let summary = "one unit learns AND and OR by Rosenblatt's rule, and cannot learn XOR"
    public let discussion = """
        The neuron of McCulloch and Pitts (1943) fires where the weighted sum of its inputs reaches a threshold; \
        Rosenblatt (1958) let it learn from its mistakes. It finds a line that parts two classes wherever there is one. \
        For XOR there is none: its weights go round in a circle, which the run shows together with the reason. An epoch \
        is one pass over the four inputs.
        """
    public var settings: [any AnySetting] { [Self.gates] }
    public let data = DataNeed.embedded("the four pairs of truth values")
    public let defaultEpochs = 100
    public let keepsCheckpoints = false

    /// Settings come with the context of each run.
    public init() {}

    @discardableResult
    public func run(_ context: RecipeContext) throws -> RecipeResult {
        let clock = ContinuousClock.now
        let generator = RandomGenerator(seed: context.seed)
        var result = RecipeResult()
        var accuracies: [Double] = []
        for gate in context.settings[Self.gates] where !result.isInterrupted {
            let run = try withDevice(context.device) {
                try PerceptronRun(
                    gate, from: PerceptronRun.start(generator), passLimit: context.epochs,
                    isInterrupted: context.isInterrupted)
            }
            result.isInterrupted = run.isInterrupted
            if run.isInterrupted {
                try context.report(.interrupted("at \(gate.title)"))
            }
            try show(run, context)
            accuracies.append(run.accuracy)
            result.measures["\(gate.rawValue)_accuracy"] = run.accuracy
            result.measures["\(gate.rawValue)_passes"] = Double(run.passes.count)
            result.epochs = max(result.epochs, run.passes.count)
        }
        let mean = accuracies.reduce(0, +) / Double(accuracies.count)
        result.test = Report([Figure("accuracy", mean, better: .higher, limits: 0...1)])
        result.seconds = (.now - clock) / .seconds(1)
        return result
    }

    private func show(_ run: PerceptronRun, _ context: RecipeContext) throws {
        for table in run.tables { try context.report(.table(table)) }
        try context.report(.message(run.conclusion))
        guard let folder = context.output else { return }
        let path = "\(folder)/\(run.gate.rawValue).svg"
        try AtomicFile.write(run.map.svg, to: path, links: .replaced)
        try context.report(.file(path: path))
    }

    /// The unit's answers and the changes that Rosenblatt's rule would make, for all inputs.
    public func probe(_ context: RecipeContext) throws -> [Tensor] {
        withDevice(context.device) {
            let unit = Perceptron(PerceptronRun.start(RandomGenerator(seed: context.seed)))
            let x = Tensor(Array(Gate.inputs.joined()), shape: [4, 2])
            return context.settings[Self.gates].flatMap { gate in
                let error = Tensor(gate.outputs) - unit(x)
                return [error, matmul(error, x)]
            }
        }
    }
}
