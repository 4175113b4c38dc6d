import Soma
import SomaReference
import Testing

/// Layers that change shapes alone, and the one that changes nothing.
@Suite struct ReshapingLayerTests {
    private let numbers = (0..<48).map { Float($0) }

    @Test(arguments: TestDevices.all) func unflattenIsTheInverseOfFlatten(_ device: Device) throws {
        try withDevice(device) { () throws in
            let x = Tensor(numbers, shape: [2, 4, 2, 3])
            let back = Unflatten(to: [4, 2, 3])(Flatten()(x))
            #expect(try back.shape == x.shape && back.scalars(as: Float.self) == numbers)
        }
    }

    @Test func axesAndExtentsThatAreLeftOver() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let x = Tensor(numbers, shape: [2, 12, 2])
            #expect(Unflatten(to: [3, -1], axis: 1)(x).shape == [2, 3, 4, 2])
            #expect(Unflatten(to: [3, 4], axis: -2)(x).shape == [2, 3, 4, 2])
            #expect(Unflatten(to: [2])(x).shape == x.shape)
            #expect(Unflatten(to: [2, -1])(Tensor.zeros([0, 6])).shape == [0, 2, 3])
            #expect(try Identity()(x).scalars(as: Float.self) == numbers)
        }
    }

    @Test func extentsThatDoNotFitEndTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { _ = Unflatten(to: [5, -1])(Tensor.zeros([2, 12])) }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        for word in ["Unflatten", "an axis of 12", "[5, -1]"] { #expect(text.contains(word), "\(text.prefix(300))") }
    }

    // MARK: One number for all spatial axes

    @Test func oneNumberIsForAllSpatialAxes() throws {
        try withDevice(TestDevices.interpreter) { () throws in
            let x = Tensor(numbers, shape: [1, 2, 4, 6])
            let pairs: [(any Layer, any Layer)] = [
                (AdaptiveAveragePooling(to: 2), AdaptiveAveragePooling(to: [2, 2])), (AdaptiveMaxPooling(to: 2), AdaptiveMaxPooling(to: [2, 2])),
                (Upsample(by: 2), Upsample(by: [2, 2])),
            ]
            for (one, each) in pairs {
                #expect(one(x).shape == each(x).shape && one(x).shape != x.shape)
                #expect(try one(x).scalars() == each(x).scalars())
            }
            #expect(try AdaptiveAveragePooling(to: 1)(x).scalars() == [11.5, 35.5])
            #expect(AdaptiveMaxPooling(to: 3)(x.reshaped(to: [2, 2, 12])).shape == [2, 2, 3])
        }
    }
}
