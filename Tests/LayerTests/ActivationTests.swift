import Soma
import SomaReference
import Testing

/// Activation functions and layers against PyTorch.
@Suite struct ActivationTests {
    static let functions: [(name: String, layer: any Layer)] = [
        ("relu", ReLU()), ("leakyReLU", LeakyReLU(slope: 0.2)), ("elu", ELU(alpha: 1.5)), ("selu", SELU()),
        ("gelu", GELU()),
        ("geluTanh", GELU(.tanh)), ("silu", SiLU()), ("softplus", Softplus()), ("softplusBeta", Softplus(beta: 2)),
        ("tanh", Tanh()),
        ("sigmoid", Sigmoid()),
    ]

    @Test(arguments: TestDevices.all) func valuesAndDerivatives(_ device: Device) throws {
        let answers = Answers.all.part("activations")
        try withDevice(device) { () throws in
            for (name, layer) in Self.functions {
                let x = answers.part("points").tensor([11])
                let y = layer(x)
                let slope = gradient(of: y.sum(), withRespectTo: x)
                #expect(try y.difference(from: answers.part(name).part("value").doubles) == nil, "\(name)")
                #expect(
                    try slope.difference(from: answers.part(name).part("gradient").doubles) == nil,
                    "\(name)'s derivative")
            }
        }
    }

    /// Derivatives are built from values, so the second derivative must still be right: here against differences of the
    /// first.
    @Test func secondDerivatives() throws {
        for (name, layer) in Self.functions {
            func slope(_ points: [Double]) -> (Tensor, Tensor) {
                let x = Tensor(reference: Value(points))
                return (x, gradient(of: layer(x).sum(), withRespectTo: x))
            }
            let (points, step) = ([-2.5, -0.7, 0.3, 1.9], 1e-5)
            let (x, first) = slope(points)
            let second = Interpreter().evaluate(gradient(of: first.sum(), withRespectTo: x)).elements
            let above = Interpreter().evaluate(slope(points.map { $0 + step }).1).elements
            let below = Interpreter().evaluate(slope(points.map { $0 - step }).1).elements
            for i in points.indices {
                let difference = (above[i] - below[i]) / (2 * step)
                #expect(abs(second[i] - difference) < 1e-6, "\(name) at \(points[i])")
            }
        }
    }

    @Test(arguments: TestDevices.all) func binaryStepFiresAtZero(_ device: Device) throws {
        try withDevice(device) { () throws in
            let x = Tensor([-1, -1e-30, 0, 2] as [Float])
            #expect(try BinaryStep()(x).scalars(as: Float.self) == [0, 0, 1, 1])
            #expect(try gradient(of: step(x).sum(), withRespectTo: x).scalars(as: Float.self) == [0, 0, 0, 0])
        }
    }
}
