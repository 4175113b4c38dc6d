import Soma
import Testing

@Suite struct ConfusionMatrixTests {
    /// What a closer look finds for logits [samples, classes].
    private func look(_ logits: [Float], _ labels: [Int32], classes: Int, on device: Device = TestDevices.interpreter) throws -> Report {
        let data = try TensorDataSet([
            "image": Tensor(logits, shape: [labels.count, classes], device: device), "label": Tensor(labels, device: device),
        ])
        let evaluator = Evaluator(Classification(Sequential(), classes: (0..<classes).map { "c\($0)" }), device: device)
        return try evaluator.evaluate(data, .close, batchSize: 2).report
    }

    /// The logits of a sample are 1 for what it is taken for and fall for the others.
    private func logits(_ told: [Int]) -> [Float] { told.flatMap { told in (0..<7).map { Float(-(($0 - told + 7) % 7)) } } }

    @Test(arguments: TestDevices.all) func figuresOfASmallCase(_ device: Device) throws {
        // Of class 0 two right and one taken for 1; of class 1 one right; of class 2 one taken for 4, the last of the five likeliest
        // being 1; and one of class 6 taken for 0, likewise the seventh likeliest.
        let report = try look(logits([0, 0, 1, 1, 4, 0]), [0, 0, 0, 1, 2, 6], classes: 7, on: device)
        #expect(report["accuracy"] == 0.5 && report.figures[0].remark == "3 of 6")
        // 0 told as 1 is the seventh likeliest, 2 told as 4 the sixth, 6 told as 0 the seventh.
        #expect(report["top5_accuracy"] == 0.5)
        #expect(abs((report["recall"] ?? 0) - (2.0 / 3 + 1) / 4) < 1e-12)
        #expect(report.tables[1].rows[0] == ["c0", "2", "1", ".", ".", ".", ".", "."] && report.tables[1].rows[2][5] == "1")
        #expect(report.tables[0].rows[0] == ["c0", "3", "0.6667", "0.6667", "0.6667"])
        #expect(report.pictures.map(\.name) == ["confusion"] && report.pictures[0].svg.contains("accuracy 0.5000"))
        #expect(report.figures.map(\.name) == ["accuracy", "top5_accuracy", "precision", "recall", "f1", "loss"])
    }

    @Test func figuresOfAMatrix() {
        let matrix = ConfusionMatrix(
            classes: ["a", "b", "c", "d"], counts: [[2, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], topFiveCount: 4)
        #expect(matrix.count == 5 && matrix.rightCount == 3 && matrix.accuracy == 0.6 && matrix.topFiveAccuracy == nil)
        #expect(matrix.precision(0) == 1 && matrix.recall(0) == 2.0 / 3 && matrix.support(0) == 3)
        #expect(matrix.precision(1) == 0.5 && matrix.recall(1) == 1 && abs(matrix.f1(1) - 2.0 / 3) < 1e-12)
        #expect(matrix.recall(2) == 0 && matrix.f1(2) == 0 && matrix.precision(2) == 0)
        let empty = ConfusionMatrix(classes: ["a", "b"], counts: [[0, 0], [0, 0]])
        #expect(empty.accuracy == 0 && empty.topFiveAccuracy == nil)
    }

    @Test(arguments: TestDevices.all) func brokenAnswersAndLabels(_ device: Device) throws {
        // The first of equals.
        #expect(try look([0, 0, 1, 0], [0, 1], classes: 2, on: device).tables[1].rows == [["c0", "1", "."], ["c1", "1", "."]])
        #expect { try look([0, 1, .nan, 0], [0, 0], classes: 2, on: device) } throws: { "\($0)".contains("answers with NaN") }
        #expect { try look([0, 0, 0, 1, 0, 0], [0, 1, 2], classes: 2, on: device) } throws: { "\($0)".contains("1 label of 3 are none of 2 classes") }
        #expect { try look([0, 0], [-1], classes: 2, on: device) } throws: { "\($0)".contains("none of 2 classes") }
    }

    /// A quick look measures the likeliest five where that is asked for.
    @Test func topFiveOnTheDevice() throws {
        let logits: [Float] = [6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6]
        let device = try Device.named("cpu")
        let data = try TensorDataSet(["image": Tensor(logits, shape: [3, 7], device: device), "label": Tensor([4, 5, 0] as [Int32], device: device)])
        let evaluation = try Evaluator(Classification(Sequential(), top: 5), device: device).evaluate(data)
        #expect(evaluation.report.figures.map(\.name) == ["loss", "accuracy", "top5_accuracy"] && evaluation["top5_accuracy"] == 1.0 / 3)
        #expect(try look(logits, [4, 5, 0], classes: 7)["top5_accuracy"] == 1.0 / 3)
    }

    private func shares(_ logits: [Float], on device: Device) throws -> (accuracy: Float, topFive: Float) {
        let batch = Minibatch(
            names: ["image", "label"],
            tensors: [Tensor(logits, shape: [10, 10], device: device), Tensor((0..<10).map { Int32($0) }, device: device)])
        let sums = try Classification(Sequential(), top: 5).metrics(batch).map { try $0.sums[0].item() }
        return (Float(sums[1]) / 10, Float(sums[2]) / 10)
    }

    /// Of equal logits the first go first, and NaN is never right: a model that tells nothing apart is right by chance alone.
    @Test(arguments: TestDevices.all) func tiesAndNaNDoNotWin(_ device: Device) throws {
        #expect(try shares([Float](repeating: 0.3, count: 100), on: device) == (0.1, 0.5))
        #expect(try shares([Float](repeating: -.infinity, count: 100), on: device) == (0.1, 0.5))
        #expect(try shares([Float](repeating: .nan, count: 100), on: device) == (0, 0))
        // Beside six classes of NaN those with a number are not among five; beside four, one of them is.
        func row(_ broken: Int) -> [Float] { (0..<10).map { $0 < broken ? .nan : Float(-$0) } }
        func rows(_ broken: Int) -> [Float] { (0..<10).flatMap { _ in row(broken) } }
        #expect(try shares(rows(6), on: device) == (0, 0))
        #expect(try shares(rows(4), on: device) == (0, 0.1))
        let report = try look([Float](repeating: 2, count: 100), (0..<10).map { Int32($0) }, classes: 10, on: device)
        #expect(report["accuracy"] == 0.1 && report["top5_accuracy"] == 0.5)
    }

    /// What is no class is told by nobody.
    @Test func labelsBeyondTheClassesAreNeverRight() throws {
        let device = TestDevices.interpreter
        let logits = Tensor([Float](repeating: -.infinity, count: 6), shape: [3, 2], device: device)
        let batch = Minibatch(names: ["image", "label"], tensors: [logits, Tensor([-1, 2, 4_294_967_296] as [Int64], device: device)])
        let metrics = Classification(Sequential(), top: 2).metrics(batch)
        let (accuracy, topTwo) = (try metrics[1].sums[0].item(), try metrics[2].sums[0].item())
        #expect(accuracy == 0 && topTwo == 0)
    }
}
