import Soma
import SomaBackend
import Testing

/// Blocks that are computed again for their gradients.
@Suite struct RecomputationTests {
    private struct Network: Layer {
        let blocks: [Sequential]
        let output: Linear
        let recomputes: Bool

        init(depth: Int, width: Int, dropout: Double, recomputes: Bool) {
            blocks = (0..<depth).map { _ in
                Sequential(
                    Linear(from: width, to: width), BatchNorm(width), Tanh(), Dropout(rate: dropout), Linear(from: width, to: width),
                    Tanh(), Linear(from: width, to: width), Tanh())
            }
            output = Linear(from: width, to: 3)
            self.recomputes = recomputes
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            output(blocks.reduce(x) { recomputes ? recomputed($1, $0) : $1($0) })
        }
    }

    private static let labels: [Int32] = [0, 1, 2, 1, 0, 2, 2, 1]

    /// Parameters and running statistics after three updates, and what follows from the generator.
    private func trained(_ device: Device, recomputes: Bool, isCaptured: Bool) throws -> [[Float]] {
        let generator = RandomGenerator(seed: 4)
        return try withDevice(device) {
            try withRandomGenerator(generator) {
                let model = Network(depth: 2, width: 6, dropout: 0.4, recomputes: recomputes)
                let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
                let x = Tensor.randomNormal([8, 6])
                let update: @Sendable (Tensor) throws -> Tensor = { x in
                    let loss = withTraining { crossEntropy(model(x), Tensor(Self.labels)) }
                    try optimizer.update(minimizing: loss)
                    return loss
                }
                let step = compiled(update)
                for _ in 0..<3 { _ = try isCaptured ? step(x).item() : update(x).item() }
                let values = model.namedParameters.map(\.parameter.tensor) + model.namedStates.filter { $0.state.dtype == .float32 }.map(\.state.tensor)
                return try values.map { try $0.scalars() } + [Tensor.randomNormal([4]).scalars()]
            }
        }
    }

    /// The same masks of dropout, the same statistics, the same gradients, and as many draws.
    @Test(arguments: [false, true]) func givesTheSameBits(isCaptured: Bool) throws {
        let device = try Device.named("cpu")
        let plain = try trained(device, recomputes: false, isCaptured: isCaptured)
        let again = try trained(device, recomputes: true, isCaptured: isCaptured)
        #expect(plain.count == again.count)
        for (a, b) in zip(plain, again) {
            for (x, y) in zip(a, b) { #expect(abs(x - y) <= 2e-6 * max(1, abs(x)), "\(x) \(y)") }
        }
        #expect(plain.last == again.last, "another number of draws")
    }

    @Test func blocksWithinBlocks() throws {
        let device = try Device.named("cpu")
        try withDevice(device) {
            func value(_ isNested: Bool) throws -> [Float] {
                try withRandomSeed(3) {
                    let (inner, outer) = (Sequential(Dropout(rate: 0.5), Linear(from: 4, to: 4)), Linear(from: 4, to: 4))
                    let x = Tensor.randomNormal([5, 4])
                    let block = Nested(inner: inner, outer: outer, recomputes: isNested)
                    let loss = withTraining { (isNested ? recomputed(block, x) : block(x)).sum() }
                    return try gradient(of: loss, withRespectTo: inner.parameters[0].tensor).scalars()
                }
            }
            let (plain, again) = (try value(false), try value(true))
            #expect(plain == again)
        }
    }

    private struct Nested: Layer {
        let inner: Sequential
        let outer: Linear
        let recomputes: Bool
        func callAsFunction(_ x: Tensor) -> Tensor { tanh(outer(recomputes ? recomputed(inner, x) : inner(x))) }
    }

    /// Eight blocks, of which only what one hands to the next is kept: well under half of the memory.
    @Test func takesLessMemory() throws {
        func bytes(recomputes: Bool) throws -> Int {
            let (device, _) = recording()
            return try withDevice(device) {
                let model = Network(depth: 8, width: 64, dropout: 0.1, recomputes: recomputes)
                let optimizer = try Optimizer(SGD(), for: model, learningRate: 0.1)
                let labels = Tensor([Int32](repeating: 1, count: 1024))
                let step = compiled { (x: Tensor) in
                    let loss = withTraining { crossEntropy(model(x), labels) }
                    try optimizer.update(minimizing: loss)
                    return loss
                }
                _ = try step(.zeros([1024, 64]))
                let program = try #require(step.programs.first)
                #expect(program.arenaByteCount >= program.largestLiveByteCount)
                #expect(program.steps.contains { $0.name == "matmul" && $0.count >= 3 * 25 - 1 })
                return program.largestLiveByteCount
            }
        }
        let (kept, again) = (try bytes(recomputes: false), try bytes(recomputes: true))
        #expect(Double(again) < 0.45 * Double(kept), "\(again) of \(kept) bytes")
    }
}

/// Batches that are computed in parts.
@Suite struct AccumulationTests {
    /// The weights after training on 21 samples in batches of 8, of which the last is smaller, and its loss at each epoch.
    private func trained(parts: Int) throws -> (weights: [Float], losses: [Double], updates: Int) {
        let generator = RandomGenerator(seed: 7)
        return try withDevice(.named("cpu")) {
            try withRandomGenerator(generator) {
                let model = Sequential(Linear(from: 2, to: 12), Tanh(), Linear(from: 12, to: 2))
                let optimizer = try Optimizer(Adam(), for: model, learningRate: 0.01)
                var options = Trainer.Options(epochs: 3, batchSize: 8, seed: 3)
                options.accumulation = parts
                let trainer = Trainer(model, Classification(model), optimizer, options, generator: generator)
                var losses: [Double] = []
                let result = try trainer.run(on: Quadrants(count: 21)) { event in
                    if case .epoch(let summary) = event { losses.append(summary.loss) }
                }
                return (try model.parameters.flatMap { try $0.tensor.scalars() }, losses, result.progress.updateCount)
            }
        }
    }

    @Test(arguments: [2, 3, 8]) func isTheBatchAsAWhole(parts: Int) throws {
        let (whole, cut) = (try trained(parts: 1), try trained(parts: parts))
        #expect(whole.updates == 9 && cut.updates == 9)
        for (a, b) in zip(whole.weights, cut.weights) { #expect(abs(a - b) < 2e-5, "\(a) \(b)") }
        for (a, b) in zip(whole.losses, cut.losses) { #expect(abs(a - b) < 1e-5) }
    }
}
