import CPUBackend
import CPUKernels
import Soma
import SomaReference
import Testing

/// Everything here sets the level or the team, which belong to the process.
@Suite(.serialized) struct CPUBackendTests {
    static let device = Device(running: CPUBackend())

    @Test(arguments: OperationCase.all) func operation(_ operation: OperationCase) throws {
        #expect(try operation.firstDifference(on: Self.device) == nil)
    }
}
