import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

/// No result depends on two computations of one number being equal to the bit: here every launch and every walk of one rounds in its own way.
@Suite struct RoundingTests {
    private let device = Device(running: InterpretingBackend(roundsByWalk: true))
    private let images = Device(running: InterpretingBackend(capabilities: Capabilities(images: .channelsLast), roundsByWalk: true))

    /// What becomes of a last bit in a case where that is more than one. A channel of equal numbers has a variance of 0, and what rounding leaves of
    /// their distance from their mean is divided by √ε, for ε = 1e-5.
    private static let growth = ["batch normalisation of a channel of equal numbers": 316.3]

    /// The last bits of what goes into a result may be lost of it, and no more: what is decided by a bit would differ by far.
    @Test func operationCases() throws {
        for operation in OperationCase.all where operation.inputs.allSatisfy({ $0.shape.count <= 300 }) {
            // One of its own, which numbers its launches from the first: no case rounds otherwise for those before it.
            let device = Device(running: InterpretingBackend(roundsByWalk: true))
            let tensors = operation.inputs.map { Tensor($0, device: device) }
            let results = withDevice(device) { operation.results(tensors) }
            let leaves = zip(tensors, operation.inputs).map { (ObjectIdentifier($0.node), $1) }
            let expected = Interpreter(leaves: Dictionary(leaves) { first, _ in first }).evaluate(results)
            try realizeAll(results)
            let largest = (operation.inputs + expected).flatMap(\.elements).map { abs($0) }.filter { $0 <= 1e4 }.max() ?? 0
            for (result, value) in zip(results, expected) {
                let pairs = zip(try result.doubles(), value.elements)
                let isFar = pairs.contains { got, wanted in
                    let wanted = result.dtype == .float32 ? Double(Float(wanted)) : wanted
                    guard got.isFinite && wanted.isFinite else { return got != wanted && !(got.isNaN && wanted.isNaN) }
                    return abs(got - wanted) > 3e-6 * max(4, largest, abs(wanted)) * Self.growth[operation.name, default: 1]
                }
                #expect(!isFar, "\(operation.name)")
            }
        }
    }

    @Test(arguments: ExtremeCheck.all, [false, true]) func extremesPassTheirGradientOn(_ check: ExtremeCheck, _ readsFirst: Bool) throws {
        let elements = withRandomSeed(3) { var random = RandomGenerator.current.hostSequence(); return (0..<2880).map { _ in random.uniform() - 0.5 } }
        for device in [device, images] {
            let (sum, wanted) = try check.slopes(elements, on: device, readsFirst: readsFirst)
            #expect(abs(sum - wanted) < 1e-3 * wanted)
        }
    }

    /// Two tensors that are equal but for rounding: each place passes one whole gradient on.
    @Test func equalTensorsShareOnce() throws {
        let numbers = (0..<60).map { Float($0 % 7) * 0.37 + 0.1 }
        let x = Tensor(numbers, shape: [3, 20], device: device)
        let (a, b) = (x.sum(alongAxes: 0), x[0] + x[1] + x[2])
        let y = maximum(a, b)
        let slopes = gradient(of: y, withRespectTo: [a, b], seed: .ones(like: y))
        try y.realize()
        let sums = try (slopes[0] + slopes[1]).scalars(as: Float.self)
        #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
    }
}
