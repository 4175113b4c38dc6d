import Soma

/// A small network that tells digits apart, and by whose features generated pictures are measured.
public struct DigitJudge: Layer {
    /// From pictures [N, 1, 28, 28] from −1 to 1 to features [N, 64].
    public let features: Sequential
    /// From features to logits [N, 10].
    public let classes: Linear

    /// Two convolutions of 5×5 with rectifiers and pooling, a layer of 64 units, and a linear one. Weights before rectifiers are drawn by
    /// He's rule.
    public init() {
        let (half, weight) = (PoolingWindow(size: [2, 2]), Initializer.he())
        features = Sequential(
            Convolution(from: 1, to: 16, size: [5, 5], padding: .all(2), weight: weight, bias: .zeros), ReLU(), MaxPooling(half),
            Convolution(from: 16, to: 32, size: [5, 5], weight: weight, bias: .zeros), ReLU(), MaxPooling(half), Flatten(),
            Linear(from: 32 * 5 * 5, to: 64, weight: weight, bias: .zeros), ReLU())
        classes = Linear(from: 64, to: DigitClasses.names.count)
    }

    /// The logits [N, 10] of pictures from −1 to 1.
    public func callAsFunction(_ x: Tensor) -> Tensor { classes(features(x)) }

    /// Trains it by pictures from 0 to 1 and their classes.
    /// - Returns: the share of held-out pictures that it reads rightly.
    /// - Throws: what reading a sample throws; `SomaError` where the loss is no longer finite; `BackendError`.
    func train(on training: any DataSet, heldOut: any DataSet, epochs: Int, seed: UInt64) throws -> Double {
        let optimizer = try Optimizer(Adam(), for: self, learningRate: 1e-3)
        let options = Trainer.Options(epochs: epochs, batchSize: 64, seed: seed)
        let objective = Classification(Sequential(SignedPixels(), self))
        let trainer = Trainer(self, objective, optimizer, options, generator: RandomGenerator(seed: seed))
        try trainer.run(on: training)
        return try trainer.evaluate(heldOut)["accuracy"] ?? .nan
    }
}

/// From pixels from 0 to 1 to such from −1 to 1, as a generator makes them.
struct SignedPixels: Layer {
    func callAsFunction(_ x: Tensor) -> Tensor { x * 2 - 1 }
}
