import Glibc
import Soma
import SomaZoo
import Testing

/// Four training steps of a small residual network against PyTorch's in double precision: convolutions, batch normalisation, shortcuts,
/// pooling and the running statistics together, on every backend there is.
@Suite struct ResidualNetworkTests {
    private static let answers: JSON? = {
        let folder = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
        guard let file = try? ByteRegion(reading: "/\(folder)/fixtures/residual_network.json") else { return nil }
        return withExtendedLifetime(file) { try? JSON(parsing: file.bytes) }
    }()

    /// The numbers of make_residual_network.py.
    private func formula(_ shape: Shape, _ scale: Double) -> Tensor {
        let numbers: [Float] = (0..<shape.count).map { i in
            let place: Int = (i * 37 + i / 29 * 5 + i / 841 * 3) % 29
            return Float(Double(place - 14) / 14 * scale)
        }
        return Tensor(numbers, shape: shape)
    }

    private func images(_ shape: Shape) -> Tensor {
        let numbers: [Float] = (0..<shape.count).map { i in
            let turn: Double = 0.3944 * Double(i * i) + 0.656 * Double(i)
            return Float(sin(turn))
        }
        return Tensor(numbers, shape: shape)
    }

    private func model() -> ResNet {
        let model = ResNet.small(blocks: 1)
        for (name, parameter) in model.namedParameters.map({ ($0.name, $0.parameter) }) {
            let shape = parameter.tensor.shape
            if shape.rank > 1 {
                parameter.assign(formula(shape, 1 / Double(shape.count / shape[0]).squareRoot()))
            } else if name == "fc.bias" {
                parameter.assign(.zeros(shape))
            }
        }
        return model
    }

    @Test(.timeLimit(.minutes(15)), arguments: ["cpu", "opencl:0"]) func trainsAsPyTorchDoes(_ name: String) throws {
        let answers = try #require(Self.answers)
        guard let device = try? Device.named(name) else { return print("skipped: there is no \(name)") }
        try withDevice(device) {
            let model = model()
            let optimizer = try Optimizer(SGD(momentum: 0.9), for: model, learningRate: 0.05)
            let (x, y) = (images([6, 3, 11, 12]), Tensor((0..<6).map { Int32($0) }))
            for expected in try #require(answers["losses"]?.array) {
                let loss = withTraining { crossEntropy(model(x), y) }
                try optimizer.update(minimizing: loss)
                let difference = abs(try loss.item() - (expected.double ?? .nan))
                #expect(difference < 2e-5)
            }
            let values = model.namedParameters.map { ($0.name, $0.parameter.tensor) } + model.namedStates.map { ($0.name, $0.state.tensor) }
            for member in try #require(answers["values"]?.members) {
                let tensor = try #require(values.first { $0.0 == member.name }?.1)
                try expect(tensor.flattened(), member.value, member.name)
            }
            try expect(withInference { model(x) }[0], try #require(answers["inference"]), "inference")
        }
    }

    private func expect(_ tensor: Tensor, _ answer: JSON, _ name: String) throws {
        let numbers = try tensor.scalars(as: Float.self)
        for (actual, expected) in zip(numbers, try #require(answer.array)) {
            let difference = abs(Double(actual) - (expected.double ?? .nan))
            #expect(difference < 1e-4, "\(name)")
        }
    }
}
