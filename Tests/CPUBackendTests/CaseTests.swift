import CPUBackend
import CPUKernels
import Soma
import SomaReference
import Testing

/// The level and the team are settings of the process, so everything that changes them stays in this one serial suite.
@Suite(.serialized) struct CPUBackendTests {
    static let device = Device(running: CPUBackend())

    @Test(arguments: OperationCase.all) func operation(_ operation: OperationCase) throws {
        #expect(try operation.firstDifference(on: Self.device) == nil)
    }
}
