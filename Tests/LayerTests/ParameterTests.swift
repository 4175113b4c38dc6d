import Soma
import SomaReference
import Testing

/// Parameters are found by reflection and named as PyTorch names them.
@Suite struct ParameterTests {
    struct Block: Layer {
        let norm: LayerNorm
        let gate: Linear?
        let branches: [String: Linear]
        let pair: (Linear, right: Linear)
        func callAsFunction(_ x: Tensor) -> Tensor { x }
    }

    class Base: @unchecked Sendable {
        let shared: Linear
        init(_ shared: Linear) { self.shared = shared }
    }
    final class Derived: Base, Layer, @unchecked Sendable {
        let own: Linear
        let again: Linear
        let statistics = State(.zeros([2]))
        var parent: Derived?
        override init(_ shared: Linear) {
            own = Linear(from: 2, to: 2)
            again = shared
            super.init(shared)
            parent = self
        }
        func callAsFunction(_ x: Tensor) -> Tensor { x }
    }

    struct Renamed: Layer, CustomReflectable {
        let input = Linear(from: 1, to: 1)
        var customMirror: Mirror {
            Mirror(self, children: ["weight_ih_l0": input.weight, "bias_ih_l0": input.bias as Any])
        }
        func callAsFunction(_ x: Tensor) -> Tensor { input(x) }
    }

    enum Choice: Sendable {
        case linear(Linear)
        case none
    }
    struct WithChoice: Layer {
        let choice = Choice.linear(Linear(from: 1, to: 1, hasBias: false))
        func callAsFunction(_ x: Tensor) -> Tensor { x }
    }

    private func inInterpreter<R>(_ body: () throws -> R) rethrows -> R {
        try withDevice(Device(running: InterpretingBackend()), body)
    }

    @Test func namesOfContainers() {
        inInterpreter {
            let linear = { Linear(from: 1, to: 1, hasBias: false) }
            let block = Block(
                norm: LayerNorm(1), gate: linear(), branches: ["b": linear(), "a": linear()],
                pair: (linear(), right: linear()))
            #expect(
                block.namedParameters.map(\.name) == [
                    "norm.weight", "norm.bias", "gate.weight", "branches.a.weight", "branches.b.weight",
                    "pair.0.weight", "pair.right.weight",
                ])
            let bare = Block(
                norm: LayerNorm(1, isAffine: false), gate: nil, branches: [:], pair: (linear(), right: linear()))
            #expect(bare.namedParameters.map(\.name) == ["pair.0.weight", "pair.right.weight"])
        }
    }

    @Test func sequentialIsNumbered() {
        inInterpreter {
            let model = Sequential(Linear(from: 2, to: 3), ReLU(), Sequential(Linear(from: 3, to: 1, hasBias: false)))
            #expect(model.namedParameters.map(\.name) == ["0.weight", "0.bias", "2.0.weight"])
            #expect(model.namedParameters.map(\.parameter.shape) == [[3, 2], [3], [1, 3]])
        }
    }

    @Test func sharedAndInherited() {
        inInterpreter {
            let model = Derived(Linear(from: 2, to: 2, hasBias: false))
            #expect(model.namedParameters.map(\.name) == ["shared.weight", "own.weight", "own.bias"])
            #expect(model.namedParameters[0].aliases == ["again.weight"])
            #expect(model.namedStates.map(\.name) == ["statistics"])
        }
    }

    @Test func layersMayChooseNames() {
        inInterpreter {
            #expect(Renamed().namedParameters.map(\.name) == ["weight_ih_l0", "bias_ih_l0"])
            #expect(WithChoice().namedParameters.map(\.name) == ["choice.weight"])
        }
    }

    /// Places that an int32 does not count: behind 2³¹ elements, on a device that only counts.
    @Test func assignmentsBehindTwoToThe31() throws {
        let (device, backend) = recording()
        try withDevice(device) {
            let (large, small) = (Parameter(.zeros([1 << 16, 1 << 15])), Parameter(.zeros([3])))
            _ = try Optimizer(SGD(), groups: [ParameterGroup([large, small])], learningRate: 1)
            try device.update()
            backend.reset()
            small.assign(.ones([3]))
            try device.update()
            #expect(!backend.launches.isEmpty)
        }
    }

    @Test(arguments: TestDevices.all) func partsThatNoIndexReachesAreReplaced(_ device: Device) throws {
        let whole = Tensor((0..<9).map { Float($0) }, device: device)
        let part = Tensor([-1, -2] as [Float], device: device)
        for offset in [0, 3, 7] {
            var expected = (0..<9).map { Float($0) }
            expected.replaceSubrange(offset..<offset + 2, with: [-1, -2])
            for limit in [-1, 6, 100] { #expect(try Parameter.replacing(offset, in: whole, by: part, limit: limit).scalars() == expected) }
        }
    }

    @Test func whatCannotBeReadTraps() async {
        await #expect(processExitsWith: .failure) { _ = Hidden().parameters }
        await #expect(processExitsWith: .failure) { _ = Pointed().parameters }
        await #expect(processExitsWith: .failure) { _ = TwiceNamed().parameters }
    }
}
