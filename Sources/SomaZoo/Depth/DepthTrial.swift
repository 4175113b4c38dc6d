import Soma

/// A way to build a deep perceptron: an activation function and how its weights begin.
struct DeepVariant: Hashable, Sendable {
    let activation: Activation
    let initialization: Initialization

    var title: String { "\(activation.rawValue), \(initialization.rawValue)" }
    /// As the name of a figure.
    var key: String { "\(activation.rawValue)_\(initialization.rawValue)" }

    /// The 64 pixels of a digit, `depth` hidden layers of `width` units, and 10 classes.
    func model(depth: Int, width: Int) -> MLP {
        MLP([64] + Array(repeating: width, count: depth) + [10], activation: activation, initialization: initialization)
    }
}

/// One variant at one depth: how far the gradient reaches when training begins, and what training makes of it.
struct DepthTrial: Sendable {
    let variant: DeepVariant
    let depth: Int
    /// ‖∂loss/∂W‖ of every hidden layer before training, the one next to the pixels first.
    let gradientNorms: [Double]
    private(set) var accuracy = 0.0
    private(set) var loss = 0.0
    private(set) var isInterrupted = false
    /// Whether training broke off because the loss was no longer finite.
    private(set) var hasDiverged = false

    /// The gradient's norm at the first hidden layer, which it reaches last.
    var reach: Double { gradientNorms.first ?? 0 }

    /// A trial that was made before.
    init(
        _ variant: DeepVariant, depth: Int, gradientNorms: [Double], accuracy: Double, loss: Double, hasDiverged: Bool
    ) {
        (self.variant, self.depth, self.gradientNorms) = (variant, depth, gradientNorms)
        (self.accuracy, self.loss, self.hasDiverged) = (accuracy, loss, hasDiverged)
    }

    /// - Throws: `BackendError`.
    init(_ variant: DeepVariant, depth: Int, _ context: RecipeContext, training: Subset, heldOut: Subset) throws {
        (self.variant, self.depth) = (variant, depth)
        let generator = RandomGenerator(seed: context.seed)
        let settings = context.settings
        var fresh = context
        fresh.checkpoint = nil
        let model = try withRandomGenerator(generator) {
            try fresh.model(trainedBy: Adam()) {
                variant.model(depth: depth, width: settings[VanishingGradientRecipe.width])
            }
        }
        gradientNorms = try context.device.noting(.building) { try Self.norms(model, training, seed: context.seed) }
        let optimizer = try Optimizer(
            Adam(), for: model, learningRate: .constant(settings[VanishingGradientRecipe.rate]))
        let options = Trainer.Options(
            epochs: context.epochs, batchSize: settings[VanishingGradientRecipe.batch], seed: context.seed)
        let trainer = Trainer(model, Classification(model), optimizer, options, generator: generator)
        do {
            isInterrupted = try trainer.run(on: training, observer: UntoldObserver(context: context)).isInterrupted
        } catch is SomaError {
            // The digits are embedded and no file is written, so it can only be the loss.
            hasDiverged = true
        }
        let evaluation = try trainer.evaluate(heldOut)
        (accuracy, loss) = (evaluation.value(of: "accuracy"), evaluation.value(of: "loss"))
    }

    private static func norms(_ model: MLP, _ data: Subset, seed: UInt64) throws -> [Double] {
        let loss = try firstLoss(model, data, seed: seed)
        let gradients = gradient(of: loss, withRespectTo: model.hidden.map(\.weight.tensor))
        return try Tensor(stacking: gradients.map(\.scaledNorm)).scalars(as: Float.self).map(Double.init)
    }

    /// The loss on the first 256 samples, not computed yet.
    static func firstLoss(_ model: MLP, _ data: Subset, seed: UInt64) throws -> Tensor {
        let loader = try BatchLoader(data, batchSize: 256, seed: seed, epochs: 1)
        guard let batch = try loader.next() else { throw SomaError("there are no digits") }
        return Classification(model).loss(try Minibatch(batch))
    }
}

extension Tensor {
    /// The Euclidean norm of all elements, scaled by the largest: squares of small elements would vanish before these do.
    var scaledNorm: Tensor {
        let largest = maximum(abs(self).max(), 1e-37)
        return sqrt(square(self / largest).sum()) * largest
    }
}
