import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

/// A device that gets one function wrong is found out by name.
@Suite struct ComparisonTests {
    @Test func agreementIsNoDivergence() throws {
        let device = Device(running: InterpretingBackend())
        let x = Tensor([0.5, -1, 2] as [Float], device: device)
        #expect(try device.firstDivergence(of: [tanh(x) * 3], against: Device(running: InterpretingBackend())) == nil)
    }

    @Test func theFirstWrongNodeIsNamed() throws {
        let good = InterpretingBackend()
        let bad = Device(running: InterpretingBackend(faulty: .tanh))
        let x = Tensor([0.5, -1, 2] as [Float], device: bad)
        let divergence = try bad.firstDivergence(of: [exp(tanh(x + 1)) * 3], against: Device(running: good))
        #expect(divergence?.node.contains("tanh") == true)
    }

    /// What is 0 by one rounding and almost 0 by another is taken for the same, and so is what follows from the sign it has.
    @Test func roundingDecidesNothing() throws {
        func nothing() -> Tensor {
            let x = Tensor((0..<1000).map { Float($0) * 0.01 })
            return log(exp(x)) - x
        }
        let (cpu, reference) = (try Device.named("cpu"), Device(running: InterpretingBackend()))
        let signs = try [cpu, reference].map { device in try withDevice(device) { try sign(nothing()).scalars(as: Float.self) } }
        #expect(signs[0] != signs[1], "or else nothing is shown")
        try withDevice(cpu) {
            let x = nothing()
            for result in [x.replacing(with: x + 100, where: x .> 0), floor(x) + sign(x)] {
                let divergence = try cpu.firstDivergence(of: [result], against: reference)
                #expect(divergence == nil)
            }
        }
    }

    @Test func theFirstInfinityIsNamed() throws {
        let device = Device(running: InterpretingBackend())
        let x = Tensor([0, 1] as [Float], device: device)
        let divergence = try device.firstNonFinite(of: [tanh(log(x)) + 1])
        #expect(divergence?.node.contains("log") == true)
        #expect(divergence?.element == 0)
    }
}
