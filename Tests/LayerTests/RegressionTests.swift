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

    /// Errors −0, 0 and 2 beside targets of the mean 8⁄3; by a scale with the deviation 10 they are tenfold, and R² stays.
    @Test func aCloserLookGivesErrorsInTheirOwnUnit() throws {
        try withDevice(TestDevices.interpreter) {
            let data = try TensorDataSet(["x": Tensor([[1.0], [2.0], [3.0]]), "y": Tensor([[1.0], [2.0], [5.0]])])
            let table = try DataTable(text: "a,b\n1,-5\n2,15\n")
            let schema = try TableSchema(table, TableChoice(target: "b", kind: .number))
            let scale = try TablePreparation(fittedTo: table, rows: [0, 1], schema: schema).targetScale
            #expect(scale?.mean == 5 && scale?.deviation == 10)
            for (scale, factor) in [(nil, 1.0), (scale, 10.0)] {
                let evaluator = Evaluator(Regression(Sequential(), scale: scale))
                #expect(try evaluator.evaluate(data).report.figures.map(\.name) == ["loss"])
                let report = try evaluator.evaluate(data, .close, batchSize: 2).report
                #expect(report.figures.map(\.name) == ["rmse", "mae", "r2", "loss"])
                let expected = [(4.0 / 3).squareRoot() * factor, 2.0 / 3 * factor, 1 - 4 / (78.0 / 9), 4.0 / 3]
                for (figure, value) in zip(report.figures, expected) { #expect(abs(figure.value - value) < 1e-5 * factor, "\(figure)") }
            }
        }
    }

    /// A loss that compares what has other shapes has no such errors.
    @Test func aLossOfOtherShapesHasNoErrors() throws {
        try withDevice(TestDevices.interpreter) {
            let data = try TensorDataSet(["x": Tensor([[1.0], [3.0]]), "y": Tensor([2.0, 2.0])])
            let objective = Regression(Sequential()) { square($0.reshaped(to: $1.shape) - $1).mean() }
            #expect(try Evaluator(objective).evaluate(data, .close).report.figures.map(\.name) == ["loss"])
        }
    }
}
