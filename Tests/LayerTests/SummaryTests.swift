import Soma
import SomaReference
import Testing

/// Summaries of models: shapes, parameters, and multiply-adds held against those of the compiled steps.
@Suite struct SummaryTests {
    /// A block that adds its input, as the user writes one.
    private struct Block: Layer {
        let conv = Convolution(from: 4, to: 4, size: 3, padding: 1, hasBias: false)
        let norm = BatchNorm(4)
        let pool: (any Layer)?
        func callAsFunction(_ x: Tensor) -> Tensor { relu(norm(conv(x))) + (pool?(x) ?? x) }
    }

    private struct Network: Layer {
        let stem = Sequential(Convolution(from: 3, to: 4, size: 3), ReLU(), MaxPooling(2), Block(pool: nil))
        let shared = Linear(from: 4, to: 4)
        let head = Linear(from: 4, to: 10, hasBias: false)
        func callAsFunction(_ x: Tensor) -> Tensor {
            let features = stem(x).mean(alongAxes: 2, 3)
            return head(shared(shared(features)))
        }
    }

    /// The multiply-adds of the steps that a call is compiled to.
    private func compiledMultiplyAdds(_ inputs: [Tensor], _ body: @escaping @Sendable ([Tensor]) -> Tensor) throws -> Int {
        let step = compiled { (inputs: [Tensor]) -> [Tensor] in [body(inputs)] }
        _ = try withInference { try step(inputs) }
        return Int(step.programs.reduce(0) { $0 + $1.productOperations } / 2)
    }

    @Test func layersByPath() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let model = Network()
            let found = summary(of: model, for: [2, 3, 10, 12])
            #expect(
                found.rows.map(\.path) == [
                    "", "stem", "stem.0", "stem.1", "stem.2", "stem.3", "stem.3.conv", "stem.3.norm", "shared", "head",
                ])
            func row(_ path: String) throws -> NetworkSummary.Row { try #require(found[path]) }
            #expect(try row("").outputs == [[2, 10]] && row("").type == "Network" && row("").depth == 0)
            #expect(try row("stem").outputs == [[2, 4, 4, 5]])
            #expect(try row("stem.0").outputs == [[2, 4, 8, 10]] && row("stem.0").parameterCount == 3 * 4 * 9 + 4)
            #expect(try row("stem.1").outputs == [[2, 4, 8, 10]] && row("stem.1").type == "ReLU")
            #expect(try row("stem.2").outputs == [[2, 4, 4, 5]] && row("stem.2").parameterCount == 0)
            #expect(try row("stem.3").outputs == [[2, 4, 4, 5]] && row("stem.3").parameterCount == 0 && row("stem.3").depth == 2)
            #expect(try row("stem.3.conv").multiplyAdds == 2 * 4 * 4 * 5 * 4 * 9 && row("stem.3.conv").depth == 3)
            #expect(try row("stem.3.norm").outputs == [[2, 4, 4, 5]] && row("stem.3.norm").parameterCount == 8 && row("stem.3.norm").stateCount == 9)
            #expect(try row("shared").outputs == [[2, 4], [2, 4]] && row("shared").multiplyAdds == 2 * 2 * 16 && row("shared").parameterCount == 20)
            #expect(try row("head").outputs == [[2, 10]] && row("head").multiplyAdds == 80)
            #expect(found.parameterCount == model.parameters.reduce(0) { $0 + $1.shape.count } && found.parameterBytes == 4 * found.parameterCount)
            #expect(found.stateBytes == 4 * 8 + 8 && found.inputBytes == 4 * 720)
            // Nothing was computed and nothing prepared for it.
            let record = backend.recorded
            #expect(record.launches.isEmpty && record.preparedCount == 0 && record.allocationCount == 0)
            let compiled = try compiledMultiplyAdds([.ones([2, 3, 10, 12])]) { model($0[0]) }
            #expect(found.multiplyAdds == compiled && compiled > 10_000)
        }
    }

    @Test func textLinesUp() {
        withDevice(TestDevices.interpreter) {
            let found = summary(of: Sequential(Linear(from: 700, to: 30), ReLU(), Linear(from: 30, to: 10)), for: [64, 700])
            #expect(
                found.description == """
                    layer    type        output    parameters  multiply-adds
                    (model)  Sequential  [64, 10]
                    0        Linear      [64, 30]      21,030      1,344,000
                    1        ReLU        [64, 30]
                    2        Linear      [64, 10]         310         19,200

                    21,340 parameters (83.4 KiB), 1,363,200 multiply-adds, input of 175.0 KiB
                    """)
            #expect(found.table.rows.count == 4 && found.table.columns.count == 5 && found.table.wordColumnCount == 3)
            #expect(Set(found.description.split(separator: "\n").prefix(5).map(\.count)).count == 2)
        }
    }

    /// Statistics of normalisations stay, random numbers are not drawn, parameters stay where an optimiser has put them.
    @Test(arguments: TestDevices.all) func nothingChanges(_ device: Device) throws {
        let generator = RandomGenerator(seed: 4)
        try withDevice(device) {
            try withRandomGenerator(generator) {
                let norm = BatchNorm(3)
                let model = Sequential(Linear(from: 2, to: 3), norm, Dropout(rate: 0.5))
                let optimizer = try Optimizer(SGD(), for: model, learningRate: 1)
                let (state, before) = (generator.state, try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self) })
                let found = withTraining { summary(of: model, for: [5, 2]) }
                let noisy = summary(of: model, for: [[5, 2]]) { [model($0[0]) * .randomNormal([5, 3])] }
                #expect(found["2"]?.outputs == [[5, 3]] && noisy[""]?.outputs == [[5, 3]] && generator.state == state)
                #expect(try norm.statistics?.batchCount.tensor.scalars(as: Int64.self) == [0])
                #expect(try model.parameters.map { try $0.tensor.contiguous().scalars(as: Float.self) } == before)
                try optimizer.update(minimizing: model(.ones([5, 2])).sum())
                #expect(optimizer.updateCount == 1)
            }
        }
    }

    /// Attention: indices and further inputs, products of what several layers gave, rows in batches.
    private struct Attention: Module {
        let embedding = Embedding(count: 50, size: 8)
        let heads = ["q": Linear(from: 8, to: 8, hasBias: false), "k": Linear(from: 8, to: 8)]
        let inner = Inner()

        struct Inner: Module {
            let value = Linear(from: 8, to: 8)
            let gain = Parameter(.ones([8]))
        }

        func callAsFunction(_ words: Tensor, memory: Tensor) -> Tensor {
            let x = embedding(words)
            guard let query = heads["q"], let key = heads["k"] else { return x }
            let scores = matmul(query(x), key(memory).transposed()).softmax(alongAxis: -1)
            return matmul(scores, inner.value(memory)) * inner.gain.tensor
        }
    }

    @Test func severalInputsAndIndices() throws {
        try withDevice(recording().device) {
            let model = Attention()
            let found = summary(of: model, for: [ModelInput([3, 5], .int32), [3, 7, 8]]) { [model($0[0], memory: $0[1])] }
            #expect(found[""]?.outputs == [[3, 5, 8]] && found["embedding"]?.outputs == [[3, 5, 8]])
            #expect(found["heads.q"]?.outputs == [[3, 5, 8]] && found["heads.q"]?.multiplyAdds == 15 * 64)
            #expect(found["heads.k"]?.outputs == [[3, 7, 8]] && found["inner.value"]?.multiplyAdds == 21 * 64)
            #expect(found["inner"]?.outputs == [[3, 5, 8]] && found["inner"]?.parameterCount == 8)
            // Both products are of what several modules gave.
            #expect(found[""]?.multiplyAdds == 2 * 3 * 5 * 7 * 8)
            let compiled = try compiledMultiplyAdds([.zeros([3, 5], dtype: .int32), .ones([3, 7, 8])]) { model($0[0], memory: $0[1]) }
            #expect(found.multiplyAdds == compiled)
            let embedding = summary(of: model.embedding, for: [4, 9], dtype: .int32)
            #expect(embedding[""]?.outputs == [[4, 9, 8]] && embedding.multiplyAdds == 0 && embedding.inputBytes == 144)
        }
    }

    @Test func transposedAndGroupedConvolutions() throws {
        try withDevice(recording().device) {
            let model = Sequential(
                Convolution(from: 4, to: 6, size: 3, stride: 2, groups: 2), TransposedConvolution(from: 6, to: 3, size: 4, stride: 2),
                GroupNorm(groups: 3, channels: 3), Convolution(from: 3, to: 2, size: 1), InstanceNorm(2, isAffine: true), Flatten(),
                LayerNorm(2 * 16 * 16))
            let found = summary(of: model, for: [2, 4, 15, 15])
            #expect(found["0"]?.outputs == [[2, 6, 7, 7]] && found["0"]?.multiplyAdds == 2 * 6 * 49 * 2 * 9)
            #expect(found["1"]?.outputs == [[2, 3, 16, 16]] && found["1"]?.multiplyAdds == 2 * 6 * 49 * 3 * 16)
            #expect(found["2"]?.outputs == [[2, 3, 16, 16]] && found["4"]?.outputs == [[2, 2, 16, 16]])
            #expect(found["6"]?.outputs == [[2, 512]] && found["5"]?.outputs == [[2, 512]])
            let compiled = try compiledMultiplyAdds([.ones([2, 4, 15, 15])]) { model($0[0]) }
            #expect(found.multiplyAdds == compiled)
        }
    }

    @Test func layersWithoutParameters() {
        withDevice(recording().device) {
            let found = summary(of: Sequential(Flatten(), Tanh()), for: [2, 3, 4])
            #expect(found.rows.map(\.outputs) == [[[2, 12]], [[2, 12]], [[2, 12]]] && found.parameterCount == 0 && found.multiplyAdds == 0)
        }
    }
}
