import Soma
import SomaReference
import Testing

/// A batch in parts gives what it gives as a whole, whatever its mean is a mean of.
@Suite struct BatchPartTests {
    /// Twelve samples; those of class 2 are ignored, which the third part of four holds only.
    private struct Samples: DataSet {
        let count = 12
        let fields = [Field("image", .float32, [3]), Field("label", .int32, []), Field("mask", .float32, [])]
        static let labels: [Int32] = [0, 1, 2, 1, 0, 1, 2, 2, 2, 0, 0, 1]

        func read(_ indices: [Int], into batch: BatchMemory) {
            let (x, y) = (batch.values(of: "image", as: Float.self), batch.values(of: "label", as: Int32.self))
            let mask = batch.values(of: "mask", as: Float.self)
            for (row, index) in indices.enumerated() {
                for k in 0..<3 { x[3 * row + k] = Float((index * (k + 2) * 5) % 7) / 3 - 1 }
                y[row] = Self.labels[index]
                mask[row] = index % 5 == 0 ? 0.5 : index / 3 == 1 ? 0 : 1
            }
        }
    }

    private enum Kind: CaseIterable { case ignored, weighted, both, masked, plain, sum }

    private struct Task: Objective {
        let model: Sequential
        let kind: Kind

        func loss(_ batch: Minibatch) -> Tensor {
            let (logits, labels) = (model(batch["image"]), batch["label"])
            let weights = Tensor([1, 4, 0.5] as [Float])
            return switch kind {
            case .ignored: crossEntropy(logits, labels, ignoredIndex: 2)
            case .weighted: crossEntropy(logits, labels, classWeights: weights)
            case .both: crossEntropy(logits, labels, classWeights: weights, ignoredIndex: 2) + square(logits).mean() * 0.1
            case .masked: crossEntropy(logits, labels, reduction: .none).mean(weightedBy: batch["mask"])
            case .plain: crossEntropy(logits, labels)
            case .sum: crossEntropy(logits, labels, ignoredIndex: 2) * 2 + crossEntropy(logits, labels, classWeights: weights)
            }
        }

        func metrics(_ batch: Minibatch) -> [Metric] {
            [.mean("loss", sum: crossEntropy(model(batch["image"]), batch["label"], reduction: .sum))]
        }
        var criterion: Criterion? { .lowest("loss") }
    }

    private func train(_ kind: Kind, parts: Int) throws -> (loss: Double, weights: [Double]) {
        try withRandomSeed(2) {
            let model = Sequential(Linear(from: 3, to: 4), Tanh(), Dropout(rate: 0), Linear(from: 4, to: 3))
            let optimizer = try Optimizer(SGD(momentum: 0.9), for: model, learningRate: 0.5)
            // In the order of the samples, so that a part is what it is meant to be.
            var options = Trainer.Options(epochs: 1, batchSize: 12, seed: 1)
            options.accumulation = parts
            var loss = Double.nan
            let trainer = Trainer(model, Task(model: model, kind: kind), optimizer, options)
            _ = try trainer.run(on: Samples()) { if case .epoch(let summary) = $0 { loss = summary.loss } }
            return (loss, try model.parameters.flatMap { try $0.tensor.contiguous().doubles() })
        }
    }

    /// A loss that takes two means over what counts a few times and then one.
    private final class Losing: Objective {
        let model = Linear(from: 3, to: 3)
        let left: Number
        init(after count: Int) {
            left = Number()
            left.value = Double(count)
        }
        func loss(_ batch: Minibatch) -> Tensor {
            left.value -= 1
            let loss = crossEntropy(model(batch["image"]), batch["label"], ignoredIndex: 2)
            return left.value < 0 ? loss : loss + square(model(batch["image"])).mean(alongAxes: 1).mean(weightedBy: batch["mask"])
        }
        func metrics(_ batch: Minibatch) -> [Metric] { [] }
        var criterion: Criterion? { nil }
    }

    @Test func fewerMeansThanWereCountedTrap() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            try withDevice(TestDevices.interpreter) {
                // One for the look at the objective, one to count.
                let task = Losing(after: 2)
                var options = Trainer.Options(epochs: 1, batchSize: 12, seed: 1)
                options.accumulation = 2
                let optimizer = try Optimizer(SGD(), for: task.model, learningRate: 0.1)
                _ = try Trainer(task.model, task, optimizer, options).run(on: Samples())
            }
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text.contains("takes fewer means over what counts than the 2"), "\(text)")
    }

    @Test(arguments: TestDevices.all) func partsAreTheWhole(_ device: Device) throws {
        try withDevice(device) {
            for kind in Kind.allCases {
                let whole = try train(kind, parts: 1)
                #expect(whole.loss.isFinite)
                // Of twelve parts some are ignored as a whole.
                for parts in [2, 4, 5, 12] {
                    let some = try train(kind, parts: parts)
                    let distance = zip(whole.weights, some.weights).map { abs($0 - $1) }.max() ?? .nan
                    #expect(distance < 2e-6 && abs(whole.loss - some.loss) < 2e-6, "\(kind) in \(parts): \(distance), \(some.loss), \(whole.loss)")
                }
            }
        }
    }

    @Test(arguments: TestDevices.all) func aWeightedMeanSeesWhatHasWeight(_ device: Device) throws {
        try withDevice(device) { () throws in
            let x = Tensor([1, .nan, 3, .infinity] as [Float])
            #expect(try x.mean(weightedBy: Tensor([1, 0, 3, 0] as [Float])).item() == 2.5)
            #expect(try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]).mean(weightedBy: Tensor([1, 0] as [Float])).item() == 2)
            #expect(try x.mean(weightedBy: .zeros([4])).item().isNaN)
        }
    }
}
