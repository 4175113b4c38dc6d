import Soma
import SomaBackend
import SomaReference
import Testing

/// The compiler's steps for every case, run one by one by the interpreter of steps.
@Suite(.serialized) struct CompiledOperationTests {
    private static let device = Device(running: InterpretingBackend())

    @Test(arguments: OperationCase.all) func compiledAsDefined(_ operation: OperationCase) throws {
        let difference = try operation.firstDifference(on: Self.device)
        #expect(difference == nil)
    }

    // Element by element, many channels would take long.
    @Test(arguments: OperationCase.convolutions.filter { !$0.name.contains("many") }, [ImageOrder.channelsFirst, .channelsLast])
    func stepsForImagesAsDefined(_ operation: OperationCase, _ order: ImageOrder) throws {
        let backend = InterpretingBackend(capabilities: Capabilities(images: order, takesDepthwiseInEitherOrder: true, mostChannelsInAnyOrder: 2))
        let difference = try operation.firstDifference(on: Device(running: backend))
        #expect(difference == nil)
        #expect(operation.name.contains("nothing") || operation.name.contains("without a step") == !backend.launches.contains { $0.isForImages })
    }
}

extension Step {
    fileprivate var isForImages: Bool {
        switch self {
        case .convolution, .pooling: true
        default: false
        }
    }
}
