import SomaBackend
import SomaReference
import Testing

@testable import Soma

/// What a device has to say to those who train on it.
@Suite struct DeviceRemarkTests {
    private final class Slow: ForwardingBackend, @unchecked Sendable {
        override var remark: String? { "it is slow" }
    }

    @Test func isToldAtTheFirstUpdateAndOnce() throws {
        let device = Device(running: Slow(InterpretingBackend()))
        let x = withDevice(device) { Linear(from: 2, to: 1) }
        #expect(Device(running: Slow(InterpretingBackend())).takeRemark() == "it is slow")
        let optimizer = try Optimizer(SGD(), for: x, learningRate: 0.1)
        for _ in 0..<2 { try withTraining { try optimizer.update(minimizing: x(Tensor([1, 2] as [Float], shape: [1, 2], device: device)).sum()) } }
        #expect(device.takeRemark() == nil, "the first update has taken it")
    }
}
