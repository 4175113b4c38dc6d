import Soma
import SomaReference
import Testing

/// The first program of many: a line through points, from arrays to a trained model.
@Suite struct RegressionTests {
    @Test(arguments: TestDevices.all) func findsALine(_ device: Device) throws {
        try withDevice(device) {
            let inputs: [[Float]] = (0..<40).map { [Float($0) / 20 - 1] }
            let data = try TensorDataSet(["x": Tensor(inputs), "y": Tensor(inputs.map { [2 * $0[0] + 1] })])
            let model = withRandomSeed(1) { Linear(from: 1, to: 1) }
            let optimizer = try Optimizer(SGD(momentum: 0.9), for: model, learningRate: 0.1)
            let trainer = Trainer(model, Regression(model), optimizer, .init(epochs: 30, batchSize: 10, seed: 1))
            // Who wants no result need not say so.
            try trainer.run(on: data, evaluatingOn: data)
            let loss = try #require(try Evaluator(Regression(model)).evaluate(data)["loss"])
            #expect(loss < 1e-5)
            let (slope, height) = (try model.weight.tensor.item(), try #require(model.bias).tensor.item())
            #expect(abs(slope - 2) < 1e-2 && abs(height - 1) < 1e-2, "\(slope), \(height)")
        }
    }

    /// The mean over all samples, also where the last batch is smaller; and any loss of one's own.
    @Test func measuresTheMeanOfALossOfOnesOwn() throws {
        try withDevice(TestDevices.interpreter) {
            let data = try TensorDataSet(["a": Tensor([[1.0], [2.0], [6.0]]), "b": Tensor([[0.0], [0.0], [0.0]])])
            let objective = Regression(Sequential(), input: "a", target: "b") { meanAbsoluteError($0, $1) }
            let loss = try Evaluator(objective).evaluate(data, batchSize: 2)["loss"]
            #expect(loss == 3 && objective.criterion == .lowest("loss"))
        }
    }
}
