import Glibc
import Testing

@testable import Soma

/// Measures of language, and training on text.
@Suite struct LanguageTests {
    private struct Fixed: Measured {
        let characterCounts: [Int32]?
        let isMasked: Bool
        var criterion: Criterion? { nil }

        func metrics(_ batch: Minibatch) -> [Metric] {
            [.language(batch["losses"], targets: batch["targets"], characterCounts: characterCounts, mask: isMasked ? batch["mask"] : nil)]
        }
    }

    private func data() throws -> TensorDataSet {
        try TensorDataSet([
            "losses": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2]), "targets": Tensor([0, 1, 2, 0, 1, 2] as [Int32], shape: [3, 2]),
            "mask": Tensor([true, true, false, true, true, false], shape: [3, 2]),
        ])
    }

    private func expect(_ value: Double?, _ answer: Double, sourceLocation: SourceLocation = #_sourceLocation) {
        let isNear = value.map { abs($0 - answer) <= 1e-6 * answer } ?? false
        #expect(isNear, "\(String(describing: value)) is not \(answer)", sourceLocation: sourceLocation)
    }

    /// By the definitions, over minibatches of different sizes.
    @Test func meansOverTokens() throws {
        try withDevice(Device.named("cpu")) {
            let counts: [Int32] = [1, 0, 4]
            let all = try Evaluator(Fixed(characterCounts: counts, isMasked: false)).evaluate(data(), batchSize: 2)
            expect(all["loss"], 21 / 6)
            expect(all["perplexity"], exp(21 / 6.0))
            expect(all["bits_per_character"], 21 / log(2) / 10)
            let some = try Evaluator(Fixed(characterCounts: counts, isMasked: true)).evaluate(data(), batchSize: 2)
            expect(some["loss"], 12 / 4.0)
            expect(some["perplexity"], exp(3))
            expect(some["bits_per_character"], 12 / log(2) / 2)
            let none = try Evaluator(Fixed(characterCounts: nil, isMasked: false)).evaluate(data(), batchSize: 3)
            #expect(none.report.figures.map(\.name) == ["loss", "perplexity"])
        }
    }

    @Test func charactersOfTokens() throws {
        let bytes = ByteTokenizer().characterCounts
        #expect(bytes[0x61] == 1 && bytes[0xA9] == 0 && bytes[0xC3] == 1)
        let text = "Ünïcödé and <|end|> 日本語\n"
        let tokenizer = try BytePairTokenizer(learningFrom: String(repeating: text, count: 3), vocabularyCount: 290, specialTokens: ["<|end|>"])
        let counts = tokenizer.characterCounts
        #expect(try tokenizer.encode(text).reduce(0) { $0 + Int(counts[Int($1)]) } == text.unicodeScalars.count - 7)
    }

    /// Logits of the token that follows one token: all that bigrams can tell.
    private struct Bigrams: Layer {
        let table: Embedding
        init(_ count: Int) { table = Embedding(count: count, size: count, weight: .zeros) }
        func callAsFunction(_ x: Tensor) -> Tensor { table(x) }
    }

    private func text() throws -> (CharacterTokenizer, TokenSequence) {
        let text = String(Shakespeare.text.dropFirst(3000).prefix(3000))
        let tokenizer = try CharacterTokenizer(learningFrom: text)
        return (tokenizer, try TokenSequence(of: text, tokenizer))
    }

    @Test func trainingOnWindows() throws {
        try withDevice(Device.named("cpu")) {
            let (tokenizer, tokens) = try text()
            let (training, heldOut) = tokens.split(heldOut: 0.2)
            let model = Bigrams(tokenizer.vocabularyCount)
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.1)
            let trainer = Trainer(model, NextToken(model, tokenizer: tokenizer), optimizer, .init(epochs: 4, batchSize: 8, seed: 1))
            let result = try trainer.run(on: TextWindows(training, length: 20, shiftedBy: 1), evaluatingOn: TextWindows(heldOut, length: 20))
            let evaluation = try #require(result.lastEpoch?.evaluation)
            #expect(evaluation.sampleCount == 29)
            let loss = evaluation.value(of: "loss")
            #expect(loss < 0.75 * log(Double(tokenizer.vocabularyCount)))
            expect(evaluation["perplexity"], exp(loss))
            // A token is a character.
            expect(evaluation["bits_per_character"], loss / log(2))
        }
    }

    @Test func trainingOnStreams() throws {
        try withDevice(Device.named("cpu")) {
            let (tokenizer, tokens) = try text()
            let (training, heldOut) = tokens.split(heldOut: 0.2)
            let model = Bigrams(tokenizer.vocabularyCount)
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.1)
            func trainer(batchSize: Int) -> Trainer { Trainer(model, NextToken(model), optimizer, .init(epochs: 2, batchSize: batchSize, seed: 1)) }
            let data = try TextStreams(training, length: 20, streams: 6)
            let result = try trainer(batchSize: 6).run(on: data, evaluatingOn: TextStreams(heldOut, length: 20, streams: 4))
            // Four streams of 150 tokens, of which 7 rows of 20 have one behind them.
            #expect(result.lastEpoch?.evaluation?.sampleCount == 28)
            expectError("batches of this data are of 6 samples", "not of 5") { try trainer(batchSize: 5).run(on: data) }
        }
    }

    /// A run that is interrupted within an epoch ends with the bits of one that is not.
    @Test(arguments: [false, true]) func goingOn(onStreams: Bool) throws {
        let folder = TemporaryFolder()
        try withDevice(Device.named("cpu")) {
            let (tokenizer, tokens) = try text()
            let data: any DataSet = onStreams ? try TextStreams(tokens, length: 20, streams: 6) : try TextWindows(tokens, length: 20, shiftedBy: 2)
            func run(stoppingAfter most: Int = .max, from checkpoint: Checkpoint? = nil) throws -> [Float] {
                let model = Bigrams(tokenizer.vocabularyCount)
                let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.1)
                let trainer = Trainer(model, NextToken(model), optimizer, .init(epochs: 2, batchSize: 6, seed: 1, folder: folder.path))
                if let checkpoint { try trainer.resume(from: checkpoint) }
                var count = 0
                try trainer.run(on: data, isInterrupted: {
                    count += 1
                    return count >= most
                })
                return try model.table.weight.tensor.scalars(as: Float.self)
            }
            let whole = try run()
            let part = try run(stoppingAfter: 30)
            let rest = try run(from: Checkpoint(path: "\(folder.path)/last.safetensors"))
            #expect(part != whole && rest == whole)
        }
    }
}
