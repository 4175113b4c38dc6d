import Soma
import Testing

/// A network of convolutions and poolings is found, named and trained as any other.
@Suite struct ConvolutionLayerTests {
    struct Network: Layer {
        let first: Convolution
        let second: Convolution
        let output: Linear
        let device: Device

        init(device: Device) {
            first = Convolution(from: 1, to: 4, size: [3, 3], padding: .all(1), device: device)
            second = Convolution(from: 4, to: 6, size: [3, 3], stride: [2], groups: 2, device: device)
            output = Linear(from: 6, to: 2, device: device)
            self.device = device
        }

        func callAsFunction(_ x: Tensor) -> Tensor {
            let features = MaxPooling(PoolingWindow(size: [2]))(relu(first(x)))
            return output(AdaptiveAveragePooling(to: [1, 1])(relu(second(features))).flattened(fromAxis: 1))
        }
    }

    @Test func namesAndShapesArePyTorchs() {
        let network = withRandomGenerator(RandomGenerator(seed: 1)) { Network(device: TestDevices.interpreter) }
        let shapes = Dictionary(uniqueKeysWithValues: network.namedParameters.map { ($0.name, $0.parameter.tensor.shape) })
        #expect(
            shapes == [
                "first.weight": [4, 1, 3, 3], "first.bias": [4], "second.weight": [6, 2, 3, 3], "second.bias": [6],
                "output.weight": [2, 6], "output.bias": [2],
            ])
    }

    /// What a convolution of stride 2 halves, its transposed one doubles; names and shapes as PyTorch's ConvTranspose2d.
    @Test func transposedConvolutionEnlarges() throws {
        try withDevice(TestDevices.interpreter) {
            let layer = TransposedConvolution(from: 4, to: 6, size: [3, 3], stride: [2], padding: [1], outputPadding: [1], groups: 2)
            #expect(layer.namedParameters.map { [$0.name: $0.parameter.tensor.shape] } == [["weight": [4, 3, 3, 3]], ["bias": [6]]])
            let x = Tensor((0..<36).map { Float($0 % 7) - 3 }, shape: [1, 4, 3, 3])
            let y = layer(x)
            #expect(y.shape == [1, 6, 6, 6])
            let plain = transposedConvolution(x, layer.weight.tensor, stride: [2], padding: [1], outputPadding: [1], groups: 2)
            let bias = try #require(layer.bias).tensor.reshaped(to: [1, 6, 1, 1])
            #expect(try abs(y - plain - bias).max().item() < 1e-6)
        }
    }

    /// One number for both axes of an image is what two equal ones are.
    @Test func oneNumberForBothAxes() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            func seeded(_ make: () -> Convolution) -> Convolution { withRandomSeed(3, make) }
            let x = Tensor((0..<98).map { Float($0 % 11) - 5 }, shape: [1, 2, 7, 7])
            let pad = 1
            let pairs: [(Convolution, Convolution)] = [
                (seeded { Convolution(from: 2, to: 3, size: 3) }, seeded { Convolution(from: 2, to: 3, size: [3, 3]) }),
                (seeded { Convolution(from: 2, to: 3, size: 3, padding: 1) }, seeded { Convolution(from: 2, to: 3, size: [3, 3], padding: .all(1)) }),
                (
                    seeded { Convolution(from: 2, to: 4, size: 2, stride: 2, padding: pad, dilation: 2, groups: 2, hasBias: false) },
                    seeded { Convolution(from: 2, to: 4, size: [2, 2], stride: [2], padding: .all(1), dilation: [2], groups: 2, hasBias: false) }
                ),
                (seeded { Convolution(from: 2, to: 3, size: 3, padding: .same) }, seeded { Convolution(from: 2, to: 3, size: [3, 3], padding: .same) }),
            ]
            for (short, long) in pairs {
                #expect(short.namedParameters.map { [$0.name: $0.parameter.shape] } == long.namedParameters.map { [$0.name: $0.parameter.shape] })
                let (y, wanted) = (short(x), long(x))
                #expect(y.shape == wanted.shape)
                #expect(try y.scalars() == wanted.scalars())
            }
            let enlarged = TransposedConvolution(from: 2, to: 3, size: 3, stride: 2, padding: 1, outputPadding: 1)(x)
            #expect(enlarged.shape == [1, 3, 14, 14])
            #expect(try MaxPooling(2)(x).scalars() == x.maxPooled(PoolingWindow(size: [2, 2])).scalars())
            #expect(
                try MaxPooling(3, stride: 2, padding: 1, dilation: 2, isCeiling: true)(x).scalars()
                    == x.maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1], dilation: [2], isCeiling: true)).scalars())
            #expect(try AveragePooling(2)(x).scalars() == x.averagePooled(PoolingWindow(size: [2, 2])).scalars())
            #expect(
                try AveragePooling(3, stride: 1, padding: 1, countsPadding: false)(x).scalars()
                    == x.averagePooled(PoolingWindow(size: [3], stride: [1], padding: [1]), countsPadding: false).scalars())
        }
    }

    /// Stripes along or across: no single pixel tells which.
    @Test(.timeLimit(.minutes(15)), arguments: Array(TestDevices.all.dropFirst())) func learnsStripes(_ device: Device) throws {
        try withDevice(device) {
            try withRandomGenerator(RandomGenerator(seed: 3)) {
                let network = Network(device: device)
                let optimizer = try Optimizer(Adam(), for: network, learningRate: 1e-2)
                var pictures: [Float] = []
                for sample in 0..<16 {
                    for row in 0..<12 {
                        for column in 0..<12 { pictures.append((((sample % 2 == 0 ? row : column) + sample / 2) % 4) < 2 ? 1 : 0) }
                    }
                }
                let x = Tensor(pictures, shape: [16, 1, 12, 12], device: device)
                let y = Tensor((0..<16).map { Int32($0 % 2) }, device: device)
                var losses: [Double] = []
                for _ in 0..<60 {
                    let loss = crossEntropy(network(x), y)
                    try optimizer.update(minimizing: loss)
                    losses.append(try loss.item())
                }
                #expect(losses[0] > 0.5 && losses[59] < 0.05, "\(losses[0]) … \(losses[59])")
            }
        }
    }
}
