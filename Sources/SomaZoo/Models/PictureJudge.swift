import Soma

/// A small network that predicts the class of a picture; generated pictures are measured by its features.
public struct PictureJudge: Layer {
    /// From pictures [N, channels, side, side] from −1 to 1 to features [N, 64].
    public let features: Sequential
    /// From features to logits [N, classes].
    public let classes: Linear

    /// Two convolutions for pictures of 28×28, and three for larger ones.
    /// - Parameters:
    ///   - format: of the pictures.
    ///   - classes: how many there are.
    public init(_ format: DCGANFormat, classes: Int) {
        let (half, weight) = (PoolingWindow(size: [2, 2]), Initializer.he())
        func block(_ inputs: Int, _ outputs: Int, size: Int, padding: Int) -> [any Layer] {
            [Convolution(from: inputs, to: outputs, size: [size, size], padding: .all(padding), weight: weight, bias: .zeros), ReLU(), MaxPooling(half)]
        }
        let (layers, count): ([any Layer], Int)
        if format.side < 32 {
            let last = (format.side / 2 - 4) / 2
            (layers, count) = (block(format.channels, 16, size: 5, padding: 2) + block(16, 32, size: 5, padding: 0), 32 * last * last)
        } else {
            let last = format.side / 8
            let first = block(format.channels, 16, size: 5, padding: 2) + block(16, 32, size: 5, padding: 2)
            (layers, count) = (first + block(32, 64, size: 3, padding: 1), 64 * last * last)
        }
        features = Sequential(layers + [Flatten(), Linear(from: count, to: 64, weight: weight, bias: .zeros), ReLU()])
        self.classes = Linear(from: 64, to: classes)
    }

    /// The logits [N, classes] of pictures from −1 to 1.
    public func callAsFunction(_ x: Tensor) -> Tensor { classes(features(x)) }

    /// Trains it by pictures from 0 to 1 and their classes.
    /// - Returns: the share of held-out pictures whose class it predicts.
    /// - Throws: what reading a sample throws; `SomaError` where the loss is no longer finite; `BackendError`.
    func train(on training: any DataSet, heldOut: any DataSet, epochs: Int, seed: UInt64) throws -> Double {
        let optimizer = try Optimizer(Adam(), for: self, learningRate: 1e-3)
        let options = Trainer.Options(epochs: epochs, batchSize: 64, seed: seed)
        let objective = Classification(Sequential(SignedPixels(), self))
        let trainer = Trainer(self, objective, optimizer, options, generator: RandomGenerator(seed: seed))
        try trainer.run(on: training)
        return try trainer.evaluate(heldOut).value(of: "accuracy")
    }
}

/// From pixels from 0 to 1 to such from −1 to 1, as a generator makes them.
struct SignedPixels: Layer {
    func callAsFunction(_ x: Tensor) -> Tensor { x * 2 - 1 }
}
