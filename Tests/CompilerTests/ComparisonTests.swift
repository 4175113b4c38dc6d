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

    @Test func theFirstInfinityIsNamed() throws {
        let device = Device(running: InterpretingBackend())
        let x = Tensor([0, 1] as [Float], device: device)
        let divergence = try device.firstNonFinite(of: [tanh(log(x)) + 1])
        #expect(divergence?.node.contains("log") == true)
        #expect(divergence?.element == 0)
    }
}
