import Soma
import Testing

@Suite struct ConfusionMatrixTests {
    /// Seven classes; the logits of a sample are 1 for what it is taken for and fall for the others.
    private func matrix(_ pairs: [(label: Int32, told: Int)]) throws -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classes: (0..<7).map { "c\($0)" })
        let logits = pairs.flatMap { pair in (0..<7).map { Float(-(($0 - pair.told + 7) % 7)) } }
        try matrix.add(logits: logits, labels: pairs.map(\.label))
        return matrix
    }

    @Test func figuresOfASmallCase() throws {
        // Of class 0 two right and one taken for 1; of class 1 one right; of class 2 one taken for 4, the last of the five likeliest
        // being 1; and one of class 6 taken for 0, likewise the seventh likeliest.
        let matrix = try matrix([(0, 0), (0, 0), (0, 1), (1, 1), (2, 4), (6, 0)])
        #expect(matrix.count == 6 && matrix.rightCount == 3 && matrix.accuracy == 0.5)
        #expect(matrix.counts[0] == [2, 1, 0, 0, 0, 0, 0] && matrix.counts[2][4] == 1)
        #expect(matrix.precision(0) == 2.0 / 3 && matrix.recall(0) == 2.0 / 3 && matrix.support(0) == 3)
        #expect(matrix.precision(1) == 0.5 && matrix.recall(1) == 1 && abs(matrix.f1(1) - 2.0 / 3) < 1e-12)
        #expect(matrix.recall(2) == 0 && matrix.f1(2) == 0 && matrix.precision(3) == 0)
        // 0 told as 1 is the seventh likeliest, 2 told as 4 the sixth, 6 told as 0 the seventh.
        #expect(matrix.topFiveAccuracy == 0.5)
        #expect(abs(matrix.mean(matrix.recall) - (2.0 / 3 + 1) / 4) < 1e-12)
    }

    @Test func fewClassesHaveNoTopFive() throws {
        var matrix = ConfusionMatrix(classes: ["a", "b"])
        #expect(matrix.accuracy == 0 && matrix.topFiveAccuracy == nil)
        try matrix.add(logits: [0, 0, 1, 0], labels: [0, 1])
        // The first of equals.
        #expect(matrix.counts == [[1, 0], [1, 0]])
        #expect(throws: SomaError.self) { try matrix.add(logits: [.nan, 0], labels: [0]) }
        #expect(throws: SomaError.self) { try matrix.add(logits: [0, 0], labels: [2]) }
    }

    /// What a step on the device measures is what counting on the host finds.
    @Test func topFiveOnTheDevice() throws {
        let logits: [Float] = [6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6]
        let labels: [Int32] = [4, 5, 0]
        let device = try Device.named("cpu")
        let batch = Minibatch(
            names: ["image", "label"],
            tensors: [Tensor(logits, shape: [3, 7], device: device), Tensor(labels, device: device)])
        let objective = Classification(Sequential(), top: 5)
        #expect(objective.measureNames == ["loss", "accuracy", "top5_accuracy"])
        #expect(try objective.measures(batch)[2].item() == 1)
        var matrix = ConfusionMatrix(classes: (0..<7).map(String.init))
        try matrix.add(logits: logits, labels: labels)
        #expect(matrix.topFiveCount == 1)
    }

    private func shares(_ logits: [Float], on device: Device) throws -> (accuracy: Float, topFive: Float) {
        let batch = Minibatch(
            names: ["image", "label"],
            tensors: [Tensor(logits, shape: [10, 10], device: device), Tensor((0..<10).map { Int32($0) }, device: device)])
        let measures = try Classification(Sequential(), top: 5).measures(batch).map { try $0.item() }
        return (Float(measures[1]) / 10, Float(measures[2]) / 10)
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
        var matrix = ConfusionMatrix(classes: (0..<10).map(String.init))
        try matrix.add(logits: [Float](repeating: 2, count: 100), labels: (0..<10).map { Int32($0) })
        #expect(matrix.accuracy == 0.1 && matrix.topFiveAccuracy == 0.5)
    }

    /// What is no class is told by nobody.
    @Test func labelsBeyondTheClassesAreNeverRight() throws {
        let device = TestDevices.interpreter
        let logits = Tensor([Float](repeating: -.infinity, count: 6), shape: [3, 2], device: device)
        let batch = Minibatch(names: ["image", "label"], tensors: [logits, Tensor([-1, 2, 4_294_967_296] as [Int64], device: device)])
        let measures = Classification(Sequential(), top: 2).measures(batch)
        let (accuracy, topTwo) = (try measures[1].item(), try measures[2].item())
        #expect(accuracy == 0 && topTwo == 0)
    }
}
