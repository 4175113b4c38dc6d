import Soma
import SomaBackend
import Testing

/// Rows are walked by one launch forward and one backward, without a kernel by hand.
@Suite struct FusionTests {
    /// The launches of `function` over [64, 100] rows and of its gradient, each with inputs in memory.
    private func launches(_ shapes: [Shape] = [[64, 100]], _ function: @escaping ([Tensor]) -> Tensor) throws -> (
        forward: [String], backward: [String]
    ) {
        let (device, backend) = recording()
        return try withDevice(device) {
            let inputs = shapes.map { Tensor([Float](repeating: 1, count: $0.count), shape: $0) }
            let value = function(inputs)
            let seed = value.rank > 0 ? Tensor([Float](repeating: 1, count: value.count), shape: value.shape) : nil
            backend.reset()
            try value.realize()
            let forward = backend.launches
            let other = inputs.map { Tensor(node: $0.node) }
            let slope = gradient(of: function(other), withRespectTo: other[0], seed: seed)
            backend.reset()
            try slope.realize()
            return (forward, backend.launches)
        }
    }

    private func labels() -> Tensor { Tensor([Int32](repeating: 0, count: 64)) }

    @Test func softmax() throws {
        let counted = try launches { $0[0].softmax() }
        #expect(counted == (["row"], ["row"]))
        #expect(try launches { $0[0].logSoftmax() } == (["row"], ["row"]))
    }

    @Test func layerNorm() throws {
        let counted = try launches([[64, 100], [100], [100]]) { inputs in
            inputs[0].standardized(alongAxes: [-1]) * inputs[1] + inputs[2]
        }
        #expect(counted == (["row"], ["row"]))
    }

    @Test func crossEntropies() throws {
        #expect(try launches { crossEntropy($0[0], labels(), reduction: .none) } == (["row"], ["row"]))
        #expect(
            try launches { crossEntropy($0[0], labels(), labelSmoothing: 0.1, reduction: .none) } == (["row"], ["row"]))
        let weighted = try launches([[64, 100], [100]]) {
            crossEntropy($0[0], labels(), labelSmoothing: 0.1, classWeights: $0[1], ignoredIndex: 3, reduction: .none)
        }
        #expect(weighted == (["row"], ["row"]))
    }

    /// The mean over the rows is one further launch, and the gradient through it none.
    @Test func meanCrossEntropy() throws {
        #expect(try launches { crossEntropy($0[0], labels()) } == (["row", "reduce"], ["row"]))
    }

    @Test func geluChain() throws {
        let shapes: [Shape] = [[64, 100], [64, 100], [64, 100], [64, 100]]
        for activation in [{ gelu($0) }, { geluTanh($0) }, { silu($0) }] as [(Tensor) -> Tensor] {
            let counted = try launches(shapes) { x in activation(x[0] * x[1] + x[2]) * x[3] + x[0] }
            #expect(counted == (["map"], ["map"]))
        }
    }

    @Test func losses() throws {
        for loss in [
            { meanSquaredError($0, $1) }, { meanAbsoluteError($0, $1) }, { huberLoss($0, $1) }, { hingeLoss($0, $1) },
            { binaryCrossEntropy(logits: $0, $1) },
        ] as [(Tensor, Tensor) -> Tensor] {
            let counted = try launches([[64, 100], [64, 100]]) { loss($0[0], $0[1]) }
            #expect(counted == (["reduce"], ["map"]))
        }
    }

    /// A look at a part for a pivot, one walk for the statistics, one to apply them together with the sums of the gradient, one for the gradient; the running
    /// statistics, the activation and the residual ride along. Nothing of the size of x is kept but what is asked for.
    @Test func batchNormalization() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let layer = BatchNorm(6)
            func image() -> Tensor { Tensor([Float](repeating: 1, count: 4800), shape: [8, 6, 10, 10]) }
            let (x, residual, seed) = (image(), image(), image())
            let y = withTraining { relu(layer(x) + residual) }
            let slopes = gradient(of: y, withRespectTo: [x, residual] + layer.parameters.map(\.tensor), seed: seed)
            backend.reset()
            try device.update([y] + slopes)
            #expect(backend.launches == ["reduce", "reduce", "reduce", "map", "map"], "the last counts the batch")
            #expect(backend.recorded.allocatedBytes < 4 * (6 * 4800 + 200), "three inputs, y, two gradients, numbers for each channel")
        }
    }

    /// With products around it, as in a network, the statistics are one walk after a look at a part, and their application another.
    @Test func batchNormalizationBetweenProducts() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let (first, norm, second) = (Linear(from: 20, to: 30), BatchNorm(30), Linear(from: 30, to: 10))
            let x = Tensor([Float](repeating: 1, count: 40 * 20), shape: [40, 20])
            let y = withTraining { second(relu(norm(first(x)))) }
            backend.reset()
            try device.update([y])
            #expect(backend.launches == ["matmul", "reduce", "reduce", "map", "matmul", "map"], "the last counts the batch")
        }
    }

    /// Of convolutions, normalisations and rectifiers in training each layer costs a product, a look at a part and two walks forward, a
    /// product and two walks backward, and the gradient of its filter; the batches are counted together.
    @Test func normalizedConvolutions() throws {
        func launches(_ depth: Int) throws -> [String: Int] {
            let backend = RecordingBackend(capabilities: Capabilities(images: .channelsLast))
            let device = Device(running: backend)
            return try withDevice(device) {
                let layers = NormalizedConvolutions(depth: depth)
                let optimizer = try Optimizer(SGD(), for: layers, learningRate: 0.1)
                let x = Tensor([Float](repeating: 1, count: 4 * 8 * 36), shape: [4, 8, 6, 6])
                let loss = withTraining { square(layers(x)).mean() }
                backend.reset()
                try optimizer.update(minimizing: loss)
                return Dictionary(grouping: backend.launches) { $0 }.mapValues(\.count)
            }
        }
        let added = try launches(6).merging(launches(4)) { $0 - $1 }
        #expect(added == ["convolution": 2 * 3, "reduce": 2 * 3, "map": 2 * 2])
    }

    /// On a device that likes channels last a convolution of few channels need not be copied into that order and back, where its result is
    /// read as it is; of many it must, and so must one that something else follows.
    @Test func convolutionsInPlainOrder() throws {
        func launches(channels: Int, _ body: (Tensor, Tensor) -> [Tensor]) throws -> [String] {
            let backend = RecordingBackend(capabilities: Capabilities(images: .channelsLast, mostChannelsInAnyOrder: 4))
            let device = Device(running: backend)
            return try withDevice(device) {
                let x = Tensor([Float](repeating: 1, count: 2 * channels * 36), shape: [2, channels, 6, 6])
                let w = Tensor([Float](repeating: 1, count: 5 * channels * 9), shape: [5, channels, 3, 3])
                try device.update([x, w])
                backend.reset()
                try device.update(body(x, w))
                return backend.launches
            }
        }
        #expect(try launches(channels: 4) { [convolution($0, $1)] } == ["convolution"])
        #expect(try launches(channels: 5) { [convolution($0, $1)] } == ["map", "convolution", "map"])
        let both = try launches(channels: 4) { x, w in
            let y = convolution(x, w)
            return [y, y.sum(alongAxes: [2, 3])]
        }
        #expect(both.sorted() == ["convolution", "map", "map", "reduce"])
    }
}

private struct NormalizedConvolutions: Layer {
    let convolutions: [Convolution]
    let norms: [BatchNorm]

    init(depth: Int) {
        convolutions = (0..<depth).map { _ in Convolution(from: 8, to: 8, size: [3, 3], padding: .all(1), hasBias: false) }
        norms = (0..<depth).map { _ in BatchNorm(8) }
    }

    func callAsFunction(_ x: Tensor) -> Tensor { zip(convolutions, norms).reduce(x) { relu($1.1($1.0($0))) } }
}
