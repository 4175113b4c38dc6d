import Soma
import SomaBackend
import SomaReference
import Testing

/// What `print` shows of tensors, and that showing changes nothing.
@Suite struct DescriptionTests {
    private let device = Device(running: InterpretingBackend())
    private var place: String { "on \(device)" }
    private func text(_ make: () -> Tensor) -> String { withDevice(device) { "\(make())" } }

    @Test func valuesStandInRowsOfOneForm() {
        #expect(text { Tensor([[1.0, 2.0], [3.0, 4.0]]) } == "Tensor([[1.0, 2.0],\n        [3.0, 4.0]], float32 [2, 2] \(place))")
        #expect(text { Tensor([1, -20, 3]) } == "Tensor([  1, -20,   3], int64 [3] \(place))")
        #expect(text { Tensor([true, false]) } == "Tensor([ true, false], bool [2] \(place))")
        #expect(text { Tensor([0.1, 2.25, -3.141592]) } == "Tensor([ 0.1000,  2.2500, -3.1416], float32 [3] \(place))")
        #expect(text { Tensor([1e-5, 12.5]) } == "Tensor([1.0000e-05, 1.2500e+01], float32 [2] \(place))")
        #expect(text { Tensor([Double.nan, .infinity, -1]) } == "Tensor([ nan,  inf, -1.0], float32 [3] \(place))")
        #expect(text { Tensor([-Double.nan, .infinity, -1]) } == "Tensor([ nan,  inf, -1.0], float32 [3] \(place))")
        #expect(text { Tensor(0.5) } == "Tensor(0.5, float32 [] \(place))")
        #expect(text { Tensor([] as [[Float]]) } == "Tensor([], float32 [0, 0] \(place))")
        #expect(text { Tensor([[[1], [2]], [[3], [4]]]) } == "Tensor([[[1],\n         [2]],\n\n        [[3],\n         [4]]], int64 [2, 2, 1] \(place))")
    }

    @Test func extremesKeepTheirDigits() {
        #expect(text { Tensor([Float.greatestFiniteMagnitude, -Float.leastNonzeroMagnitude, 0]) }.hasPrefix("Tensor([ 3.4028e+38, -1.4013e-45,  0.0000e+00], "))
        #expect(text { Tensor([99_999_992.0]) }.hasPrefix("Tensor([99999992.0], "))
        #expect(text { Tensor([9.9999995e-5]) }.hasPrefix("Tensor([1.0000e-04], "))
        #expect(text { Tensor([Int.min, Int.max]) }.hasPrefix("Tensor([\(Int.min),  \(Int.max)], "))
    }

    @Test func longOnesAreAbbreviated() {
        #expect(text { .range(1001) } == "Tensor([   0,    1,    2, …,  998,  999, 1000], int32 [1001] \(place))")
        let long: String = text { Tensor.range(5000).reshaped(to: [1000, 5]) }
        let rows = long.split(whereSeparator: \.isNewline)
        #expect(rows.count == 7 && rows[0] == "Tensor([[   0,    1,    2,    3,    4]," && rows[3].hasSuffix("        …,"))
        #expect(rows[6].hasPrefix("        [4995, 4996, 4997, 4998, 4999]], int32 [1000, 5]"))
        // All of a thousand, in lines no longer than a terminal.
        let full = text { .range(1000) }
        let lines: [Substring] = full.split(whereSeparator: \.isNewline)
        #expect(!full.contains("…") && lines.dropLast().allSatisfy { $0.count <= 80 })
    }

    @Test func arraysAndDumpsShowValuesToo() {
        withDevice(device) {
            let x = Tensor([1.0, 2.0])
            #expect("\([x])" == "[\(x)]" && String(reflecting: x) == "\(x)")
            var dumped = ""
            dump(x, to: &dumped)
            #expect(dumped.contains("\(x)") && dumped.contains("float32") && dumped.contains("shape"))
        }
    }

    @Test func parametersAndModelsAreShort() {
        withDevice(device) {
            let parameter = Parameter(Tensor([1.0, 2.0]))
            #expect("\(parameter)" == "Parameter([1.0, 2.0], float32 [2] \(place))")
            #expect("\(State(Tensor([1, 2])))" == "State([1, 2], int64 [2] \(place))")
            let model = "\(Linear(from: 2, to: 3))"
            #expect(model.contains("weight: Parameter(float32 [3, 2] \(place))") && !model.contains("."), "\(model)")
        }
    }

    /// A gradient can be taken through a tensor that was printed, which reading its values would forbid.
    @Test func printingLeavesTheGraph() throws {
        try withDevice(device) {
            let x = Tensor([1.0, 2.0])
            let y = x * x
            #expect("\(y)".contains("[1.0, 4.0]"))
            let slope = try gradient(of: y.sum(), withRespectTo: x).scalars()
            #expect(slope == [2, 4])
            let generator = RandomGenerator(seed: 1)
            let noise = withRandomGenerator(generator) { Tensor.randomUniform([3]) }
            let (shown, state) = ("\(noise)", generator.state)
            #expect("\(noise)" == shown && generator.state == state)
        }
    }

    @Test func aCaptureIsToldAndNotDisturbed() throws {
        try withDevice(device) {
            let texts = Texts()
            let step = compiled { x in
                let y = x * 2
                texts.add("\(x) \(y) \(Parameter(x))")
                return y
            }
            let result = try step(Tensor([1.0, 2.0])).scalars()
            #expect(result == [2, 4])
            #expect(texts.all == ["Tensor(no values while a step is captured, float32 [2] \(place)) Tensor(no values while a step is captured, float32 [2] \(place)) "
                + "Parameter(no values while a step is captured, float32 [2] \(place))"])
        }
    }

    @Test func aFailureIsTold() {
        let device = Device(running: FailingBackend(InterpretingBackend()))
        let text = "\(Tensor([1.0, 2.0], device: device) * 2)"
        #expect(text.hasPrefix("Tensor(no values: the device is gone") && text.contains("float32 [2] on"), "\(text)")
    }
}

/// Texts from a closure that may run on any thread.
private final class Texts: @unchecked Sendable {
    private(set) var all: [String] = []
    func add(_ text: String) { all.append(text) }
}

/// Computes nothing.
private final class FailingBackend: ForwardingBackend, @unchecked Sendable {
    override func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws { throw SomaError("the device is gone") }
}
