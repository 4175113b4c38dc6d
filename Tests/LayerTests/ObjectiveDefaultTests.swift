import Soma
import SomaReference
import Testing

/// What objectives and tasks of one's own need not say, and how results read.
@Suite struct ObjectiveDefaultTests {
    /// A loss and nothing else: the mean distance of x to 0, or over what counts of it.
    private struct Distance: Objective {
        var isMasked = false

        func loss(_ batch: Minibatch) -> Tensor {
            isMasked ? abs(batch["x"]).mean(weightedBy: batch["counts"]) : abs(batch["x"]).mean()
        }
    }

    private func data() throws -> TensorDataSet {
        try TensorDataSet(["x": Tensor([1.0, -2.0, 6.0]), "counts": Tensor([1.0, 0.0, 1.0])])
    }

    @Test func anObjectiveIsMeasuredByItsLoss() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            #expect(Distance().criterion == .lowest("loss"))
            #expect(try Evaluator(Distance()).evaluate(data(), batchSize: 2).value(of: "loss") == 3)
            #expect(try Evaluator(Distance(isMasked: true)).evaluate(data(), batchSize: 2).value(of: "loss") == 3.5)
        }
    }

    /// A step and nothing else.
    private struct Halving: TrainingTask {
        let model = Linear(from: 1, to: 1, weight: .ones, bias: .zeros)
        let player: Player
        init() throws { player = Player("model", try Optimizer(SGD(), for: model, learningRate: 0.5)) }

        var module: any Module { model }
        var players: [Player] { [player] }
        func step(_ batch: Minibatch, _ context: StepContext) throws {
            try context.minimize(square(model.weight.tensor).sum() * 0.5, by: player)
        }
    }

    @Test func aTaskNeedsNoMetrics() throws {
        try withDevice(TestDevices.interpreter) {
            let task = try Halving()
            var lines: [String] = []
            let result = try Trainer(task, .init(epochs: 2, batchSize: 3, seed: 1)).run(on: data()) { event in
                if let epoch = event.epoch { lines.append("\(epoch)") }
            }
            #expect(task.criterion == nil && result.best == nil)
            #expect(try task.model.weight.tensor.item() == 0.25)
            #expect(lines == ["epoch 1: loss 0.5000", "epoch 2: loss 0.1250"])
        }
    }

    // MARK: How results read

    @Test func resultsAreLines() throws {
        let figures = [Figure("loss", 0.09312, better: .lower), Figure("top5_accuracy", 0.98765, better: .higher, title: "top-5")]
        let evaluation = Evaluation(sampleCount: 3, report: Report(figures))
        #expect("\(evaluation)" == "loss 0.0931, top-5 0.9877" && "\(evaluation.report)" == "\(evaluation)")
        #expect(evaluation.value(of: "top5_accuracy") == 0.98765)
        try withDevice(TestDevices.interpreter) {
            let model = Linear(from: 1, to: 1, weight: .zeros, bias: .zeros)
            let data = try TensorDataSet(["x": Tensor([[1.0]]), "y": Tensor([[2.0]])])
            var lines: [String] = []
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.125)
            try Trainer(model, Regression(model), optimizer, .init(epochs: 1, batchSize: 1, seed: 1)).run(on: data, evaluatingOn: data) { event in
                if let epoch = event.epoch { lines.append("\(epoch)") }
            }
            // Both weights move by 0.125 · 2 · 2.
            #expect(lines == ["epoch 1: loss 4.0000; held out: loss 1.0000"])
        }
    }

    @Test func aFigureThatIsNotThereEndsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Evaluation(sampleCount: 1, report: Report([Figure("loss", 1, better: .lower)])).value(of: "acuracy")
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        for word in ["acuracy", "loss", "ObjectiveDefaultTests.swift"] { #expect(text.contains(word), "\(text.prefix(300))") }
    }
}
