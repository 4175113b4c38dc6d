import Soma
import SomaReference
import Testing

/// The compiler's steps for every case, run one by one by the interpreter of steps.
@Suite(.serialized) struct CompiledOperationTests {
    private static let device = Device(running: InterpretingBackend())

    @Test(arguments: OperationCase.all) func compiledAsDefined(_ operation: OperationCase) throws {
        let difference = try operation.firstDifference(on: Self.device)
        #expect(difference == nil)
    }
}
