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

    @Test(arguments: OperationCase.attentions) func stepsOfAttentionAsDefined(_ operation: OperationCase) throws {
        let backend = InterpretingBackend(capabilities: Capabilities(attentionWidth: 8))
        let difference = try operation.firstDifference(on: Device(running: backend))
        #expect(difference == nil)
        #expect(backend.launches.contains { if case .attention = $0 { true } else { false } })
    }

    @Test(arguments: OperationCase.recurrentLayers) func stepsOfRecurrencesAsDefined(_ operation: OperationCase) throws {
        let backend = InterpretingBackend(capabilities: Capabilities(hasRecurrence: true))
        let difference = try operation.firstDifference(on: Device(running: backend))
        #expect(difference == nil)
        #expect(backend.launches.contains { if case .recurrence = $0 { true } else { false } })
    }

    /// A convolution that may be written in either order beside what else sees it, in one run: none may find it in the other's.
    @Test(arguments: [false, true]) func convolutionBesideViewsOfIt(_ comesLast: Bool) throws {
        func numbers(_ shape: Shape) -> Tensor { Tensor((0..<shape.count).map { Float($0 * 37 % 29 - 14) / 8 }, shape: shape) }
        func results() -> [Tensor] {
            let y = convolution(numbers([2, 2, 5, 6]), numbers([3, 2, 3, 3]), padding: .all(1))
            let seen = [y.permuted(axes: [0, 2, 3, 1]), y[0, 1], y.reshaped(to: [2, 3, 30])]
            return comesLast ? seen + [y] : [y] + seen
        }
        let expected = try withDevice(Device(running: InterpretingBackend())) { try results().map { try $0.scalars(as: Float.self) } }
        let backend = InterpretingBackend(capabilities: Capabilities(images: .channelsLast, mostChannelsInAnyOrder: 2))
        try withDevice(Device(running: backend)) {
            let together = results()
            try realizeAll(together)
            #expect(try together.map { try $0.scalars(as: Float.self) } == expected)
            // And each by itself.
            for place in expected.indices { #expect(try results()[place].scalars(as: Float.self) == expected[place]) }
        }
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
