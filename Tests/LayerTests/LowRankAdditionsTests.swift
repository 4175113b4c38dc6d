@testable import Soma
import SomaReference
import Testing

/// Weights that stay as they are, with additions of low rank that are trained.
@Suite struct LowRankAdditionsTests {
    private struct Network: Layer {
        let embedding = Embedding(count: 7, size: 6)
        let hidden = Linear(from: 6, to: 10)
        let inner = [Linear(from: 10, to: 10, hasBias: false)]
        let output = Linear(from: 10, to: 3)

        func callAsFunction(_ x: Tensor) -> Tensor { output(tanh(inner[0](tanh(hidden(embedding(x)))))) }
    }

    private static func numbers(_ module: some Module) throws -> [[Float]] { try module.parameters.map { try $0.tensor.scalars() } }

    /// y = W x + b + α/r · B A x, by hand.
    @Test(arguments: TestDevices.all) func theDefinition(_ device: Device) throws {
        try withDevice(device) { () throws in
            let layer = Linear(from: 2, to: 2)
            layer.weight.assign(Tensor([[1, 2], [3, 4]] as [[Float]]))
            layer.bias?.assign(Tensor([10, 20] as [Float]))
            let x = Tensor([[1, -1], [2, 0]] as [[Float]])
            let additions = LowRankAdditions(to: layer, rank: 1, alpha: 3)
            #expect(additions.namedParameters.map(\.name) == ["lora_A.weight", "lora_B.weight"])
            #expect(try layer(x).scalars(as: Float.self) == [9, 19, 12, 26], "B is 0")
            additions.parameters[0].assign(Tensor([[1, 2]] as [[Float]]))
            additions.parameters[1].assign(Tensor([[1], [-1]] as [[Float]]))
            // A x is −1 and 2.
            #expect(try layer(x).scalars(as: Float.self) == [6, 22, 18, 20])
            additions.merge()
            #expect(try layer.weight.tensor.scalars(as: Float.self) == [4, 8, 0, -2])
            #expect(try layer(x).scalars(as: Float.self) == [6, 22, 18, 20])
            additions.merge()
            #expect(try layer(x).scalars(as: Float.self) == [6, 22, 18, 20])
        }
    }

    @Test func theyAreTrainedAlone() throws {
        try withDevice(Device.named("cpu")) {
            try withRandomSeed(4) {
                let network = Network()
                let names = network.namedParameters.map(\.name)
                let before = try Self.numbers(network)
                let (x, labels) = (Tensor.range(7), Tensor([0, 1, 2, 0, 1, 2, 0] as [Int32]))
                let first = try crossEntropy(network(x), labels).item()
                let additions = LowRankAdditions(to: network, rank: 2, alpha: 4) { $0 != "output" }
                let paths = ["hidden", "inner.0"].flatMap { ["\($0).lora_A.weight", "\($0).lora_B.weight"] }
                #expect(additions.namedParameters.map(\.name) == paths && network.namedParameters.map(\.name) == names)
                #expect(additions.parameters.map(\.shape) == [[2, 6], [10, 2], [2, 10], [10, 2]])
                #expect(try crossEntropy(network(x), labels).item() == first)

                let optimizer = try Optimizer(Adam(), for: additions, learningRate: 0.05)
                let step = compiled { (x: Tensor, labels: Tensor) in
                    let loss = crossEntropy(network(x), labels)
                    try optimizer.update(minimizing: loss)
                    return loss
                }
                for _ in 0..<200 { _ = try step(x, labels) }
                let last = try crossEntropy(network(x), labels).item()
                #expect(last < 0.25 && first > 0.9, "\(first), \(last)")
                #expect(try Self.numbers(network) == before)

                // To a network with the same weights, by a file of the additions alone.
                let folder = try TemporaryFolder()
                try Checkpoint.write(additions, to: folder.path("additions.safetensors"))
                let other = Network()
                for (to, from) in zip(other.parameters, network.parameters) { to.assign(from.tensor) }
                let restored = LowRankAdditions(to: other, rank: 2, alpha: 4) { $0 != "output" }
                let file = try Checkpoint(path: folder.path("additions.safetensors"))
                try file.restore(restored)
                let wanted = try network(x).scalars(as: Float.self)
                #expect(try other(x).scalars(as: Float.self) == wanted)

                // Merged it is the same but for rounding, also in a step that was captured before.
                let captured = compiled { (x: Tensor) in withInference { other(x) } }
                #expect(try captured(x).scalars(as: Float.self) == wanted)
                restored.merge()
                #expect(try Self.numbers(other) != before)
                for logits in [other(x), try captured(x)] {
                    #expect(try zip(logits.scalars(as: Float.self), wanted).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
                }
                additions.detach()
                #expect(try crossEntropy(network(x), labels).item() == first)
                _ = LowRankAdditions(to: network, rank: 1)
            }
        }
    }

    /// No product of the size of a weight is made for its gradient.
    @Test func gradientsReachNothingElse() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let network = Sequential(Linear(from: 64, to: 96), Linear(from: 96, to: 64))
            let additions = LowRankAdditions(to: network, rank: 2)
            let optimizer = try Optimizer(SGD(), for: additions, learningRate: 0.1)
            let x = Tensor([Float](repeating: 0, count: 5 * 64), shape: [5, 64])
            backend.reset()
            try optimizer.update(minimizing: square(network(x)).sum())
            let sizes = backend.recorded.launches.compactMap { step in if case .matmul(let product) = step { product.m * product.n } else { nil } }
            #expect(!sizes.isEmpty && sizes.allSatisfy { $0 < 64 * 96 }, "\(sizes)")
        }
    }
}
