import Soma
import SomaReference
import Testing

@Suite struct EmbeddingTests {
    /// The name and the shape are those of PyTorch's `Embedding`; numbers are its answers, of 0 … 7 as weight and 1 … 8 as the gradient of the result.
    @Test(arguments: TestDevices.all) func vectorsAndTheirGradient(_ device: Device) throws {
        try withDevice(device) { () throws in
            for padding in [nil, 1] as [Int?] {
                let layer = Embedding(count: 4, size: 2, paddingIndex: padding)
                #expect(layer.namedParameters.map(\.name) == ["weight"] && layer.weight.shape == [4, 2])
                layer.weight.assign(Tensor((0..<8).map { Float($0) }, shape: [4, 2]))
                let y = layer(Tensor([[3, 1], [0, 3]]))
                let slope = gradient(of: y, withRespectTo: layer.weight.tensor, seed: Tensor((1...8).map { Float($0) }, shape: [2, 2, 2]))
                #expect(y.shape == [2, 2, 2])
                #expect(try y.scalars() == [6, 7, 2, 3, 0, 1, 6, 7])
                #expect(try slope.scalars() == (padding == nil ? [5, 6, 3, 4, 0, 0, 8, 10] : [5, 6, 0, 0, 0, 0, 8, 10]))
            }
        }
    }

    @Test(arguments: TestDevices.all) func firstValues(_ device: Device) throws {
        try withDevice(device) { () throws in
            try withRandomSeed(5) { () throws in
                let layer = Embedding(count: 300, size: 20, paddingIndex: 7)
                let rows = try layer.weight.tensor.scalars(as: Float.self)
                #expect(rows[140..<160].allSatisfy { $0 == 0 })
                let others = (rows[..<140] + rows[160...]).map(Double.init)
                let square = others.reduce(0) { $0 + $1 * $1 } / Double(others.count)
                // Five standard deviations of the mean square of 5,980 normal numbers.
                #expect(abs(square - 1) < 5 * (2.0 / 5980).squareRoot())
            }
        }
    }

    /// The vector of the padding index stays what it is while others learn.
    @Test(arguments: TestDevices.all) func paddingIsNotTrained(_ device: Device) throws {
        try withDevice(device) { () throws in
            let layer = Embedding(count: 3, size: 2, paddingIndex: 0)
            let before = try layer.weight.tensor.scalars(as: Float.self)
            let optimizer = try Optimizer(SGD(), for: layer, learningRate: 0.5)
            try optimizer.update(minimizing: layer(Tensor([0, 2, 2] as [Int32])).sum())
            let after = try layer.weight.tensor.scalars(as: Float.self)
            #expect(after == [before[0], before[1], before[2], before[3], before[4] - 1, before[5] - 1])
        }
    }

    @Test(arguments: TestDevices.all) func anIndexOutOfRangeIsNaN(_ device: Device) throws {
        try withDevice(device) { () throws in
            let vectors = try Embedding(count: 3, size: 1, paddingIndex: 0)(Tensor([3, -1, 0] as [Int32])).scalars(as: Float.self)
            #expect(vectors[0].isNaN && vectors[1].isNaN && vectors[2] == 0)
        }
    }

    @Test func softmaxLayers() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let x = Tensor([[0.0, 1.0], [2.0, 5.0]])
            #expect(try Softmax()(x).scalars() == x.softmax().scalars())
            #expect(try LogSoftmax(alongAxis: 0)(x).scalars() == x.logSoftmax(alongAxis: 0).scalars())
            #expect(try Softmax(alongAxis: 0)(x).sum(alongAxes: 0).difference(from: [1, 1]) == nil)
            // What they are for.
            let targets = Tensor([1, 0] as [Int32])
            let loss = try negativeLogLikelihood(LogSoftmax()(x), targets).item()
            #expect(abs(loss - (try crossEntropy(x, targets).item())) < 1e-6)
        }
    }
}
