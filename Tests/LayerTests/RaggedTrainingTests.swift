import Soma
import SomaReference
import Testing

/// A run on sentences of different lengths: training, parts of a batch, evaluation, checkpoints.
@Suite struct RaggedTrainingTests {
    /// The sum of what tokens are worth, of sentences of 0 to 7 tokens; and what each token is worth, to learn token by token.
    private static func sentences() throws -> TensorDataSet {
        let worth: [Float] = [0.5, -1, 2, 0.25, -0.75]
        var generator = Philox(seed: 3)
        let tokens = (0..<120).map { _ in (0..<Int(generator.next() % 8)).map { _ in Int32(generator.next() % 5) } }
        let values = tokens.map { $0.map { worth[Int($0)] } }
        return try TensorDataSet(
            ["sum": Tensor(values.map { $0.reduce(0, +) })],
            ragged: ["tokens": RaggedArray(tokens, atMost: 10), "values": RaggedArray(values, atMost: 10)])
    }

    private struct Reader: Module {
        let worth = Embedding(count: 5, size: 1)

        /// Of each token; 0 where there is none.
        func callAsFunction(_ batch: Minibatch) -> Tensor { worth(batch["tokens"]).squeezed(alongAxes: 2) * batch.mask(of: "tokens").as(.float32) }
    }

    /// The error of sums, a mean over sentences, or that of tokens, a mean over these.
    private struct Task: Objective {
        let reader: Reader
        let byToken: Bool

        private func errors(_ batch: Minibatch) -> Tensor {
            byToken ? square(reader(batch) - batch["values"]) : square(reader(batch).sum(alongAxes: 1) - batch["sum"])
        }
        func loss(_ batch: Minibatch) -> Tensor {
            byToken ? errors(batch).mean(weightedBy: batch.mask(of: "tokens").as(.float32)) : errors(batch).mean()
        }
        func metrics(_ batch: Minibatch) -> [Metric] {
            [.mean("error", sum: errors(batch).sum(), over: byToken ? batch.counts(of: "tokens").sum() : nil)]
        }
        var criterion: Criterion? { .lowest("error") }
    }

    private func train(byToken: Bool, parts: Int = 1, epochs: Int = 1) throws -> (reader: Reader, errors: [Double]) {
        let data = try Self.sentences()
        let (training, heldOut) = data.split(heldOut: 0.25, seed: 1)
        let reader = withRandomSeed(2) { Reader() }
        let optimizer = try Optimizer(SGD(momentum: 0.9), for: reader, learningRate: byToken ? 0.2 : 0.05)
        var options = Trainer.Options(epochs: epochs, batchSize: 16, seed: 1)
        options.accumulation = parts
        let task = Task(reader: reader, byToken: byToken)
        _ = try Trainer(reader, task, optimizer, options).run(on: training, evaluatingOn: heldOut)
        let evaluator = Evaluator(task)
        return (reader, try [1, 7, 30].map { try evaluator.evaluate(heldOut, batchSize: $0).value(of: "error") })
    }

    @Test(arguments: [false, true]) func sentencesAreLearnt(_ byToken: Bool) throws {
        try withDevice(Device.named("cpu")) {
            let (reader, errors) = try train(byToken: byToken, epochs: 60)
            #expect(errors.allSatisfy { $0 < 1e-4 }, "\(errors)")
            let worth = try reader.worth.weight.tensor.scalars()
            #expect(zip(worth, [0.5, -1, 2, 0.25, -0.75]).allSatisfy { abs($0 - $1) < 0.01 }, "\(worth)")
        }
    }

    /// How samples are put into batches changes no figure, and in how many parts a batch is computed no weight.
    @Test(arguments: TestDevices.all, [false, true]) func partsAreTheWhole(_ device: Device, byToken: Bool) throws {
        try withDevice(device) {
            let whole = try train(byToken: byToken)
            #expect(whole.errors.allSatisfy { $0 > 0.01 && abs($0 - whole.errors[0]) < 1e-5 * whole.errors[0] }, "\(whole.errors)")
            for parts in [2, 5] {
                let some = try train(byToken: byToken, parts: parts)
                let pairs = try zip(whole.reader.worth.weight.tensor.scalars(), some.reader.worth.weight.tensor.scalars())
                #expect(pairs.allSatisfy { abs($0 - $1) < 5e-6 }, "in \(parts): \(Array(pairs))")
            }
        }
    }
}
