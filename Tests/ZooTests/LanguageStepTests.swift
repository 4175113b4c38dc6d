import Soma
import SomaBackend
import SomaCompiler
import SomaGraph
import SomaZoo
import Testing

/// What a training step of a language model launches, and the memory of attention, on a device that has steps for both.
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

    /// Nothing has the size of the sequence's square: a sequence of twice the length takes twice the memory, forward and backward.
    @Test func attentionOfALongSequence() {
        func bytes(_ length: Int) -> Int {
            withDevice(Device(running: RecordingBackend(capabilities: capabilities))) {
                let inputs = (0..<3).map { _ in Tensor.zeros([1, 4, length, 64]) + Tensor.range(length).as(.float32).reshaped(to: [length, 1]) }
                let y = scaledDotProductAttention(query: inputs[0], key: inputs[1], value: inputs[2], mask: .causal)
                let roots = ([y] + gradient(of: y.sum(), withRespectTo: inputs)).map(\.node)
                let plan = Node.lock.withLock { number in Plan(GraphSnapshot(roots: roots, &number), capabilities) }
                return plan.arenaByteCount + plan.outputs.reduce(0) { $0 + $1.byteCount }
            }
        }
        let (short, long) = (bytes(2048), bytes(4096))
        #expect(Double(long) < 2.01 * Double(short))
        // Less than a number for each pair of a query and a key of one head.
        #expect(long < 4 * 4096 * 4096)
    }
}
