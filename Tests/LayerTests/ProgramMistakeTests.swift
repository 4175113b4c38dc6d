import Soma
import SomaReference
import Testing

/// A mistake of the program is told in one line, the last, that names its own file and line and the layer.
@Suite struct ProgramMistakeTests {
    struct Block: Layer {
        let inner = Linear(from: 4, to: 2)
        func callAsFunction(_ x: Tensor) -> Tensor { inner(x) }
    }
    struct Net: Layer {
        let body = Sequential(Linear(from: 3, to: 5), ReLU(), Block())
        func callAsFunction(_ x: Tensor) -> Tensor { body(x) }
    }
    struct Closed: Layer {
        let function: @Sendable (Tensor) -> Tensor
        init() {
            let hidden = Linear(from: 2, to: 2)
            function = { hidden($0) }
        }
        func callAsFunction(_ x: Tensor) -> Tensor { function(x) }
    }
    struct Counting: Objective {
        let names: [String]
        let count: @Sendable (Tensor, Tensor) -> Tensor
        let model = Linear(from: 2, to: 2)
        func loss(_ batch: Minibatch) -> Tensor { crossEntropy(model(batch["image"]), batch["label"]) }
        func metrics(_ batch: Minibatch) -> [Metric] {
            let count = count(model(batch["image"]).argmax(alongAxis: -1), batch["label"])
            return names.map { .mean($0, sum: count, better: .higher) }
        }
        var criterion: Criterion? { .highest("right") }

        static func train(_ names: [String] = ["right"], _ count: @escaping @Sendable (Tensor, Tensor) -> Tensor) throws {
            let objective = Counting(names: names, count: count)
            let optimizer = try Optimizer(SGD(), for: objective.model, learningRate: 0.1)
            let trainer = Trainer(objective.model, objective, optimizer, .init(epochs: 1, batchSize: 10, seed: 1))
            // Nothing is trained before the mistake is told.
            _ = try trainer.run(on: Quadrants(count: 40), evaluatingOn: Quadrants(count: 8)) { print($0) }
        }
    }

    private static func session() -> Session {
        Session(Linear(from: 3, to: 2), input: .noise(count: 3), answer: .picture(channels: 1, rows: 1, columns: 2, range: 0...1))
    }

    struct Mistake: Sendable {
        let words: [String]
        let make: @Sendable () throws -> Void
        init(_ words: String..., make: @escaping @Sendable () throws -> Void) { (self.words, self.make) = (words, make) }
    }

    static let all: [Mistake] = [
        Mistake("ProgramMistakeTests.swift", "add", "[2, 3] and [4]") { _ = Tensor.zeros([2, 3]) + Tensor.zeros([4]) },
        Mistake("ProgramMistakeTests.swift", "Linear", "[1, 5]", "layer body.2.inner, Linear") {
            let net = Net()
            _ = net.parameters
            _ = net(.zeros([1, 3]))
        },
        Mistake("ProgramMistakeTests.swift", "maxPooled", "layer 1 of a Sequential, MaxPooling") {
            _ = Sequential(ReLU(), MaxPooling(PoolingWindow(size: [5, 5])))(.zeros([1, 1, 3, 3]))
        },
        Mistake("ProgramMistakeTests.swift", "Closed has no parameters", "'function' is") {
            _ = try Optimizer(SGD(), for: Closed(), learningRate: 0.1)
        },
        Mistake("ReLU has no parameters") { _ = try Optimizer(SGD(), for: ReLU(), learningRate: 0.1) },
        Mistake("a sum of 'right' is int64", "as(.float32)") { try Counting.train { ($0 .== $1).as(.int64).sum() } },
        Mistake("'right' is float32 [10]", "sum()") { try Counting.train { ($0 .== $1).as(.float32) } },
        Mistake("'right' is none of", "correct") { try Counting.train(["correct"]) { ($0 .== $1).as(.float32).sum() } },
        Mistake("'a,b'", "name of one of the figures") { try Counting.train(["a,b", "right"]) { ($0 .== $1).as(.float32).sum() } },
        Mistake("'step'", "metrics.csv") { try Counting.train(["step", "right"]) { ($0 .== $1).as(.float32).sum() } },
        Mistake("patience", "criterion") {
            let layer = Linear(from: 2, to: 2)
            var options = Trainer.Options(epochs: 1, batchSize: 10, seed: 1)
            options.patience = 1
            _ = try Trainer(layer, Classification(layer), try Optimizer(SGD(), for: layer, learningRate: 0.1), options).run(on: Quadrants(count: 40))
        },
        Mistake("right", "there twice") { try Counting.train(["right", "right"]) { ($0 .== $1).as(.float32).sum() } },
        Mistake("depends on none of the parameters") {
            let layer = Linear(from: 2, to: 2)
            let loss = layer(.ones([1, 2])).sum()
            let optimizer = try Optimizer(SGD(), for: layer, learningRate: 0.1)
            try optimizer.update(minimizing: loss)
        },
        Mistake("ProgramMistakeTests.swift", "answers", "sample 1 has 2 values, and the model takes 3") {
            _ = try ProgramMistakeTests.session().answers(to: [[1, 2, 3], [1, 2]])
        },
        Mistake("ProgramMistakeTests.swift", "featureMaps", "sample 0 has 4 values, and the model takes 3") {
            _ = ProgramMistakeTests.session().featureMaps(of: [1, 2, 3, 4])
        },
        Mistake("ProgramMistakeTests.swift", "LSTM", "sequence 1 has a length of 4", "1 ... 3") {
            _ = LSTM(from: 2, to: 3)(.ones([2, 3, 2]), lengths: Tensor([3, 4]))
        },
        Mistake("GRU", "sequence 0 has a length of 0") { _ = GRU(from: 2, to: 3)(.ones([2, 3, 2]), lengths: Tensor([0, 1] as [Int32])) },
        Mistake("SimpleRNN", "sequence 1 has a length of -1") { _ = SimpleRNN(from: 2, to: 3)(.ones([2, 3, 2]), lengths: Tensor([3, -1])) },
        Mistake("GRU", "lengths int64 [3] are not int32 [2]") { _ = GRU(from: 2, to: 3)(.ones([2, 3, 2]), lengths: Tensor([3, 1, 1])) },
        Mistake("GRU", "lengths float32 [2]") { _ = GRU(from: 2, to: 3)(.ones([2, 3, 2]), lengths: Tensor([3.0, 1.0])) },
        Mistake("GRU", "float32 [1, 2, 3]", "float32 [2, 2, 3]") {
            _ = GRU(from: 2, to: 3, isBidirectional: true)(.ones([2, 5, 2]), from: .zeros([1, 2, 3]))
        },
        Mistake("LSTM", "float32 [1, 5, 3]", "float32 [1, 2, 3]") {
            _ = LSTM(from: 2, to: 3)(.ones([2, 5, 2]), from: LSTMState(h: .zeros([1, 2, 3]), c: .zeros([1, 5, 3])))
        },
        Mistake("LSTM", "[2, 5, 3] is not [N, T, 2]") { _ = LSTM(from: 2, to: 3)(.ones([2, 5, 3])) },
        Mistake("LSTM", "[5, 2] is not [T, N, 2]") { _ = LSTM(from: 2, to: 3, isBatchFirst: false)(.ones([5, 2])) },
        Mistake("SimpleRNN", "[2, 0, 2] is not [N, T, 2] with T of at least 1") { _ = SimpleRNN(from: 2, to: 3)(.ones([2, 0, 2])) },
        Mistake("ProgramMistakeTests.swift", "GRU", "0 layers") { _ = GRU(from: 2, to: 3, layers: 0) },
        Mistake("ProgramMistakeTests.swift", "LSTM", "a dropout rate of 1.0") { _ = LSTM(from: 2, to: 3, layers: 2, dropout: 1) },
        Mistake("SinusoidalPositions", "[1, 5, 4] is not […, at most 4, 4]") { _ = SinusoidalPositions(size: 4, atMost: 4)(.ones([1, 5, 4])) },
        Mistake("ProgramMistakeTests.swift", "scaledDotProductAttention", "the key is float32 [2, 3], not float32 [batch, heads, places, features]") {
            _ = scaledDotProductAttention(query: .ones([1, 2, 3, 4]), key: .ones([2, 3]), value: .ones([1, 2, 3, 4]))
        },
        Mistake("scaledDotProductAttention", "keys [1, 2, 3, 4] and values [1, 2, 4, 4] differ in shape") {
            _ = scaledDotProductAttention(query: .ones([1, 2, 3, 4]), key: .ones([1, 2, 3, 4]), value: .ones([1, 2, 4, 4]))
        },
        Mistake("scaledDotProductAttention", "3 heads of queries are no multiple of 2 heads of keys") {
            _ = scaledDotProductAttention(query: .ones([1, 3, 3, 4]), key: .ones([1, 2, 3, 4]), value: .ones([1, 2, 3, 4]))
        },
        Mistake("scaledDotProductAttention", "queries [1, 2, 3, 4] and keys [1, 2, 3, 5] differ in batch or features") {
            _ = scaledDotProductAttention(query: .ones([1, 2, 3, 4]), key: .ones([1, 2, 3, 5]), value: .ones([1, 2, 3, 5]))
        },
        Mistake("scaledDotProductAttention", "a bias float32 [3, 4] does not broadcast to float32 [1, 2, 3, 3]") {
            _ = scaledDotProductAttention(
                query: .ones([1, 2, 3, 4]), key: .ones([1, 2, 3, 4]), value: .ones([1, 2, 3, 4]), mask: AttentionMask(bias: .ones([3, 4])))
        },
        Mistake("scaledDotProductAttention", "sample 1 has a length of 4, which is not in 0 ... 3") {
            let x = Tensor.ones([2, 1, 3, 4])
            _ = scaledDotProductAttention(query: x, key: x, value: x, mask: AttentionMask(lengths: Tensor([0, 4])))
        },
        Mistake("ProgramMistakeTests.swift", "AttentionMask", "a window of 2 without a causal mask") { _ = AttentionMask(window: 2) },
        Mistake("ProgramMistakeTests.swift", "MultiHeadAttention", "3 heads do not divide 4 features") { _ = MultiHeadAttention(width: 4, heads: 3) },
        Mistake("MultiHeadAttention", "[2, 4] is not [N, T, 4]") { _ = MultiHeadAttention(width: 4, heads: 2)(.ones([2, 4])) },
        Mistake("GroupedQueryAttention", "4 heads of queries are no multiple of 3") { _ = GroupedQueryAttention(width: 8, heads: 4, keyHeads: 3) },
        Mistake("RotaryPositions", "3 places from 6 on, where there are 8") { _ = RotaryPositions(size: 2, atMost: 8)(.ones([3, 2]), from: 6) },
        Mistake("ProgramMistakeTests.swift", "RotaryPositions", "4 places of 3 features") { _ = RotaryPositions(size: 3, atMost: 4) },
        Mistake("RMSNorm", "[2, 3] does not end in [4]") { _ = RMSNorm(4)(.ones([2, 3])) },
        Mistake("ProgramMistakeTests.swift", "randomCategorical", "top k 0") { _ = Tensor.randomCategorical(logits: .ones([2, 3]), topK: 0) },
        Mistake("ProgramMistakeTests.swift", "randomCategorical", "top p 1.5") { _ = Tensor.randomCategorical(logits: .ones([2, 3]), topP: 1.5) },
        Mistake("ProgramMistakeTests.swift", "randomCategorical", "no classes") { _ = Tensor.randomCategorical(logits: .ones([2, 0])) },
        Mistake("ProgramMistakeTests.swift", "LowRankAdditions", "a rank of 0") { _ = LowRankAdditions(to: Linear(from: 2, to: 2), rank: 0) },
        Mistake("LowRankAdditions", "no Linear layer of Linear is chosen") {
            _ = LowRankAdditions(to: Linear(from: 2, to: 2), rank: 1) { _ in false }
        },
        Mistake("LowRankAdditions", "'1' has an addition already") {
            let (first, second) = (Linear(from: 2, to: 2), Linear(from: 2, to: 2))
            _ = LowRankAdditions(to: second, rank: 1)
            _ = LowRankAdditions(to: Sequential(first, second), rank: 1)
        },
        Mistake("withAveragedWeights") {
            let layer = Linear(from: 2, to: 2)
            let optimizer = try Optimizer(SGD(), for: layer, learningRate: 0.1, averageDecay: 0.5)
            try optimizer.withAveragedWeights { try optimizer.update(minimizing: layer(.ones([1, 2])).sum()) }
        },
    ]

    /// Each ends a process of its own, a fork of one that does nothing else.
    @Test func aMistakeIsOneLine() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            ForkedProcess.readSymbols()
            for (index, mistake) in ProgramMistakeTests.all.enumerated() {
                let process = ForkedProcess { try withDevice(TestDevices.interpreter) { try mistake.make() } }
                let lines = process.complaint.split(separator: "\n")
                func tell(_ fault: String) { ForkedProcess.tell("\(index): \(fault): \(process.complaint.prefix(400))") }
                if process.status == 0 { tell("ends no process") }
                for word in mistake.words where lines.last?.contains(word) != true { tell("\(word) is missing") }
                if lines.filter({ $0.contains("Soma: ") }).count != 1 || process.complaint.contains("Thread 0") { tell("not one line") }
                if process.output.contains("step(") { tell("something was trained before") }
            }
            ForkedProcess.tell("\(ProgramMistakeTests.all.count) mistakes were made")
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text == "\(Self.all.count) mistakes were made\n")
        #expect(Self.all.count >= 45)
    }
}
