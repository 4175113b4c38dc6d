import Soma
import SomaBackend
import SomaZoo
import Testing

/// What a training step of a language model launches on a device that has steps of attention and recurrent layers.
@Suite struct LanguageStepTests {
    private let capabilities = Capabilities(maximumOperands: 48, attentionWidth: 256, hasRecurrence: true)

    /// The launches of a step by their names.
    private func launches(_ shape: Shape, _ model: () -> any LanguageModel) throws -> [String: Int] {
        let backend = RecordingBackend(capabilities: capabilities)
        return try withDevice(Device(running: backend)) {
            let model = model()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let tokens = Tensor([Int32](repeating: 0, count: shape.count), shape: shape)
            backend.reset()
            try withTraining { try optimizer.update(minimizing: crossEntropy(model(tokens, from: nil).logits, tokens)) }
            return backend.recorded.launches.reduce(into: [:]) { $0[$1.name, default: 0] += 1 }
        }
    }

    @Test func lstm() throws {
        let count = try launches([32, 64]) { RecurrentLanguageModel(.lstm, vocabularyCount: 64, units: 256, layers: 2) }
        #expect(count["recurrence"] == 2 && count["recurrenceGradient"] == 2)
        #expect(count.values.reduce(0, +) <= 40, "\(count)")
    }

    @Test func gpt() throws {
        let count = try launches([16, 128]) {
            GPT(.init(vocabulary: 64, context: 128, layers: 4, heads: 4, width: 256, dropout: 0, isTied: false))
        }
        #expect(count["attention"] == 4 && count["attentionGradient"] == 4)
        // Of each block four products, each with two for its gradients, and those of the head.
        #expect(count["matmul"] == 4 * 12 + 3)
        // Gradients of queries, keys and values are not copied: they would be three a block.
        #expect(count["map", default: 0] <= 7, "\(count)")
        #expect(count.values.reduce(0, +) <= 130, "\(count)")
    }
}
