import Foundation
import Soma
import SomaReference
import Testing

/// Programs of docs/training.md, line by line.
@Suite struct TrainingPageTests {
    struct MLP: Layer {
        let hidden = Linear(from: 64, to: 128, weight: .he())
        let norm = BatchNorm(128)
        let dropout = Dropout(rate: 0.2)
        let output = Linear(from: 128, to: 10)
        func callAsFunction(_ x: Tensor) -> Tensor { output(dropout(relu(norm(hidden(x))))) }
    }

    private func theLoop() throws -> (result: TrainingResult, model: MLP) {
        let model = withRandomSeed(1) { MLP() }
        let optimizer = try Optimizer(AdamW(), for: model, learningRate: .cosine(from: 1e-3, over: 900).warmedUp(over: 50))
        let (training, heldOut) = Digits.dataSet.split(heldOut: 0.2, seed: 1)
        let trainer = Trainer(model, Classification(model), optimizer, .init(epochs: 20, batchSize: 32, seed: 1))
        let result = try trainer.run(on: training, evaluatingOn: heldOut) { event in
            if case .epoch(let summary) = event { print(summary.epoch, summary.evaluation?["accuracy"] ?? .nan) }
        }
        return (result, model)
    }

    /// The page shows what is printed.
    @Test func theSummary() throws {
        let path = #filePath.replacing("Tests/LayerTests/TrainingPageTests.swift", with: "docs/training.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let text = withDevice(TestDevices.interpreter) { "\(summary(of: MLP(), for: [8, 64]))" }
        #expect(page.contains("```\n\(text)\n```\n"), "\(text)")
    }

    @Test func theLoopLearns() throws {
        try withDevice(Device.named("cpu")) {
            let (result, model) = try theLoop()
            #expect(try #require(result.best).value > 0.95)
            #expect(try model.norm.statistics?.batchCount.tensor.item() == 20 * 45)
        }
    }

    private final class Settings: @unchecked Sendable { var strength = 0.0 }

    @Test func aStepWithNumbersThatChange() throws {
        try withDevice(TestDevices.interpreter) {
            let (model, settings) = (withRandomSeed(1) { Linear(from: 3, to: 2) }, Settings())
            let optimizer = try Optimizer(SGD(), for: model, learningRate: 0)
            let images = Tensor([1, 2, 3, -1, 0, 1] as [Float], shape: [2, 3])
            let labels = Tensor([0, 1] as [Int32])
            let beta = State(Tensor(0))
            let step = compiled { (images: Tensor, labels: Tensor, temperature: Tensor) in
                let logits = model(images)
                let sharpness = square(logits).mean() * beta.tensor
                let pace = optimizer.scheduled(.linear(from: 0, to: 1, over: 1000))
                let loss = crossEntropy(logits / temperature, labels) + sharpness * pace * Tensor.asked { settings.strength }
                try optimizer.update(minimizing: loss)
                return loss
            }
            _ = try step(images, labels, Tensor(2.0))
            beta.assign(Tensor(0.5))
            settings.strength = 4
            let logits = model(images)
            let expected = try (crossEntropy(logits / 4, labels) + square(logits).mean() * (0.5 * 4 / 1000)).item()
            #expect(abs(try step(images, labels, Tensor(4.0)).item() - expected) < 1e-6)
        }
    }

    /// Every line of these programs on the page stands in this file, in order. Whole programs are held to their files elsewhere.
    @Test func thePageShowsThesePrograms() throws {
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let own = try lines(of: #filePath)
        var count = 0
        for program in try lines(of: root + "/docs/training.md").split(separator: "```swift").dropFirst().map({ $0.prefix { $0 != "```" } })
        where program.contains(where: { $0.contains("Trainer(") || $0.contains("compiled {") }) && !program.contains(where: { $0.hasPrefix("@main") }) {
            var here = own[...]
            for line in program where !line.isEmpty && line != "import Soma" {
                let place = try #require(here.firstIndex(of: line), "not in this file, or in another order: \(line)")
                here = here[(place + 1)...]
                count += 1
            }
        }
        #expect(count > 20)
    }

    private func lines(of path: String) throws -> [String] {
        let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
        return text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}
