import Soma

/// A network, by the settings of a run.
struct AlternativeNetwork {
    let model: AlternativeModel
    let context: RecipeContext
    let problem: AlternativesProblem

    private var settings: Settings { context.settings }

    /// Trains on some samples and tells those that were held out; nil where it is interrupted.
    /// - Throws: `SomaError` where the loss is no longer finite; `BackendError`.
    func trial(_ unit: AlternativeTrial.Unit, _ indices: [Int]) throws -> AlternativeTrial? {
        let (device, generator) = (context.device, RandomGenerator(seed: context.seed))
        return try withDevice(device) {
            try withRandomGenerator(generator) {
                let training = Subset(data.training, indices: indices)
                try device.synchronize()
                device.forgetMemoryPeak()
                let before = device.memory.live
                let (trained, seconds) = try timed { () -> (trainer: Trainer, bytes: Int, isInterrupted: Bool) in
                    let (trainer, bytes) = try trainer(on: training, generator)
                    let ending = try trainer.run(on: training, observer: UntoldObserver(context: context))
                    try device.synchronize()
                    return (trainer, bytes, ending.isInterrupted)
                }
                if trained.isInterrupted { return nil }
                let peak = device.memory.peak - before
                // The first evaluation compiles.
                _ = try trained.trainer.evaluate(data.heldOut)
                let (evaluation, predicting) = try timed { try trained.trainer.evaluate(data.heldOut) }
                return AlternativeTrial(
                    unit, samples: indices.count, quality: evaluation[problem.metric] ?? .nan, seconds: (seconds, predicting),
                    modelBytes: trained.bytes, peakBytes: peak)
            }
        }
    }

    /// The loss of the first samples of the largest share and its gradients, not computed yet.
    func probe() throws -> [Tensor] {
        let generator = RandomGenerator(seed: context.seed)
        return try withDevice(context.device) {
            try withRandomGenerator(generator) {
                let trainer = try trainer(on: data.training, generator).trainer
                let loader = try BatchLoader(data.training, batchSize: settings[AlternativesRecipe.batch], seed: context.seed, epochs: 1)
                return try loader.next().map { try trainer.probe(try Minibatch($0)) } ?? []
            }
        }
    }

    private var data: AlternativesProblem.NetworkData {
        guard model == .lenet else { return problem.vectors }
        guard let pictures = problem.pictures else { fatalError("LeNet reads pictures, and \(problem.name) has none") }
        return pictures
    }

    /// - Returns: what trains an untrained network, and the bytes of its parameters.
    private func trainer(on training: any DataSet, _ generator: RandomGenerator) throws -> (trainer: Trainer, parameterBytes: Int) {
        let size = settings[AlternativesRecipe.batch]
        let perEpoch = training.updatesPerEpoch(batchSize: size)
        let epochs = max(context.epochs, (settings[AlternativesRecipe.updates] + perEpoch - 1) / perEpoch)
        var fresh = context
        fresh.checkpoint = nil
        let (network, objective) = try self.network(fresh)
        let schedule = Schedule.cosine(from: settings[AlternativesRecipe.rate], over: max(1, epochs * perEpoch))
        let optimizer = try Optimizer(Adam(), for: network, learningRate: schedule)
        var options = Trainer.Options(epochs: epochs, batchSize: size, seed: context.seed)
        options.divergenceAdvice = context.advice(lower: AlternativesRecipe.rate)
        let bytes = 4 * network.parameters.reduce(0) { $0 + $1.shape.count }
        return (Trainer(SupervisedTask(network, objective, optimizer), options, generator: generator), bytes)
    }

    private func network(_ context: RecipeContext) throws -> (any Module, any Objective) {
        if model == .lenet {
            let network = try context.model(trainedBy: Adam()) { LeNet() }
            return (network, Classification(network))
        }
        let (hidden, dropout) = (settings[AlternativesRecipe.hidden], settings[AlternativesRecipe.dropout])
        guard let preparation = problem.preparation else {
            let sizes = [problem.training.rows.columns] + hidden + [problem.classNames.count]
            let network = try context.model(trainedBy: Adam()) { MLP(sizes, activation: .relu, initialization: .he, dropout: dropout) }
            return (network, Classification(network))
        }
        let network = try context.model(trainedBy: Adam()) {
            TableNetwork(preparation, hidden: hidden, outputs: preparation.classNames?.count ?? 1, activation: .relu, dropout: dropout, members: 1)
        }
        switch preparation.answer {
        case .classes(let names): return (network, TableClassification(network: network, classes: names, weights: nil))
        case .number(let scale): return (network, TableRegression(network: network, scale: scale))
        }
    }
}
