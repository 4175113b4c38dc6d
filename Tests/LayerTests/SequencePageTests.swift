import Foundation
import Soma
import SomaReference
import Testing

/// Programs of docs/sequences.md, line by line.
@Suite struct SequencePageTests {
    struct Tagger: Module {
        let words = Embedding(count: 50, size: 8, paddingIndex: 0)
        let encoder = LSTM(from: 8, to: 16, layers: 2, isBidirectional: true, dropout: 0.2)
        let tags = Linear(from: 32, to: 5)

        /// Of words [N, T], of which each sentence has as many as lengths [N] say, the logits of their tags: [N, T, 5].
        func callAsFunction(_ words: Tensor, _ lengths: Tensor) -> Tensor { tags(encoder(self.words(words), lengths: lengths).outputs) }
    }

    /// Sentences of the page's ragged fields are trained on, those without words among them.
    @Test func aTaggerLearns() throws {
        struct Task: Objective {
            let tagger = Tagger()
            func loss(_ batch: Minibatch) -> Tensor {
                let logits = tagger(batch["words"], maximum(batch.counts(of: "words"), 1))
                let losses = crossEntropy(logits, maximum(batch["words"] - 45, 0), reduction: .none)
                return losses.mean(weightedBy: batch.mask(of: "words").as(.float32))
            }
        }
        try withDevice(Device.named("cpu")) {
            let task = withRandomSeed(1) { Task() }
            let words = (0..<60).map { sentence in (0..<sentence % 5).map { Int32(45 + (sentence * 7 + $0 * 3) % 5) } }
            let data = try TensorDataSet([:], ragged: ["words": RaggedArray(words, atMost: 6)])
            let optimizer = try Optimizer(Adam(), for: task.tagger, learningRate: 2e-2)
            let result = try Trainer(task.tagger, task, optimizer, .init(epochs: 6, batchSize: 20, seed: 1)).run(on: data)
            let last = try #require(result.lastEpoch)
            #expect(last.loss < 1, "\(last)")
        }
    }

    @Test func aNetworkThatWrites() throws {
        try withDevice(TestDevices.interpreter) {
            let (letters, network, head) = withRandomSeed(1) { (Embedding(count: 9, size: 4), GRU(from: 4, to: 16), Linear(from: 16, to: 9)) }
            var (token, state) = (Tensor([3] as [Int32]), Tensor.zeros([1, 1, 16]))
            var written: [Double] = []
            for _ in 0..<8 {
                let (outputs, next) = network(letters(token.expandingDims(at: 1)), from: state)
                token = Tensor.randomCategorical(logits: head(outputs[.all, 0]), temperature: 0.8, topK: 5, topP: 0.95)
                state = next
                written.append(try token.item())
            }
            #expect(written.allSatisfy { (0..<9).contains($0) } && Set(written).count > 1)
        }
    }

    struct Writer: Module {
        let letters = Embedding(count: 30, size: 32)
        let places = SinusoidalPositions(size: 32, atMost: 64)
        let blocks = (0..<2).map { _ in TransformerEncoderLayer(width: 32, heads: 4, hidden: 64, dropout: 0.1, activation: .gelu, isNormFirst: true) }
        let head = Linear(from: 32, to: 30)

        /// Of letters [N, T] the logits of the next ones: [N, T, 30].
        func callAsFunction(_ letters: Tensor) -> Tensor {
            head(blocks.reduce(places(self.letters(letters))) { $1($0, mask: .causal) })
        }
    }

    @Test func aTransformerThatWrites() throws {
        try withDevice(TestDevices.interpreter) {
            let writer = withRandomSeed(1) { Writer() }
            let letters = Tensor([[3, 1, 4, 1, 5]] as [[Int32]])
            let logits: [Double] = try writer(letters)[.all, ..<3].scalars()
            #expect(try logits.count == 90 && writer(letters[.all, ..<3]).difference(from: logits, terms: 32) == nil)
        }
    }

    @Test func thePageShowsThesePrograms() throws {
        func lines(_ text: String) -> [String] { text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) } }
        let path = #filePath.replacing("Tests/LayerTests/SequencePageTests.swift", with: "docs/sequences.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let programs = page.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        let here = lines(try String(contentsOfFile: #filePath, encoding: .utf8)).joined(separator: "\n")
        #expect(programs.count == 3 && programs.allSatisfy { here.contains(lines($0).joined(separator: "\n").trimmingCharacters(in: .newlines)) })
    }
}
