import Soma
import SomaGraph
import SomaReference
import Testing

/// What `gradient(of:withRespectTo:)` promises beyond the rules.
@Suite struct GradientTests {
    private func leaf(_ elements: Double...) -> Tensor { Tensor(reference: Value(elements)) }
    private func read(_ tensor: Tensor) -> [Double] { Interpreter().evaluate(tensor).elements }

    @Test func ofAThirdOrder() {
        let x = leaf(2, -3)
        var result = (x * x * x * x).sum()
        for expected in [[32, -108], [48, 108], [48, -72], [24, 24]] as [[Double]] {
            let slope = gradient(of: result, withRespectTo: x)
            #expect(read(slope) == expected)
            result = slope.sum()
        }
    }

    @Test func unreachedTensorsGetZeros() {
        let (x, unused) = (leaf(1, 2), Tensor(reference: .sample([2, 3]), isTracked: true))
        let gradients = gradient(of: x.sum(), withRespectTo: [x, unused])
        #expect(read(gradients[0]) == [1, 1])
        #expect(gradients[1].shape == [2, 3] && read(gradients[1]) == [0, 0, 0, 0, 0, 0])
    }

    @Test func withRespectToItselfIsOne() {
        let loss = leaf(3).sum()
        #expect(read(gradient(of: loss, withRespectTo: loss)) == [1])
    }

    @Test func withRespectToATensorAndWhatItIsMadeOf() {
        let x = leaf(2)
        let y = x * x
        let gradients = gradient(of: (y * x).sum(), withRespectTo: [x, y, x])
        #expect(gradients.map(read) == [[12], [2], [12]])
    }

    @Test func seedWeighsTheLoss() {
        let x = leaf(1, 2, 3)
        #expect(read(gradient(of: x * x, withRespectTo: x, seed: leaf(1, 10, 100))) == [2, 40, 600])
    }

    @Test func withoutGradientLetsNonePass() {
        let x = leaf(3)
        #expect(read(gradient(of: (x * x.withoutGradient()).sum(), withRespectTo: x)) == [3])
        #expect(read(gradient(of: exp(x).withoutGradient().sum(), withRespectTo: x)) == [0])
    }

    @Test func integersInBetweenLetNonePass() {
        let x = leaf(1.5, 2.5)
        #expect(read(gradient(of: (x * x.as(.int32).as(.float32)).sum(), withRespectTo: x)) == [1, 2])
        #expect(read(gradient(of: x.argmax().as(.float32), withRespectTo: x)) == [0, 0])
    }

    @Test func valueComesWithGradient() {
        let (value, slope) = valueWithGradient(at: leaf(1, 2)) { ($0 * $0).sum() }
        #expect(read(value) == [5] && read(slope) == [2, 4])
        let several = valueWithGradient(at: [leaf(2), leaf(5)]) { ($0[0] * $0[1]).sum() }
        #expect(several.gradients.map(read) == [[5], [2]])
    }

    @Test func customGradientReplacesTheRule() {
        let x = leaf(0.4, 1.6)
        let rounded = withCustomGradient(of: x) {
            round($0)
        } pullback: { gradient, _, _ in
            gradient
        }
        #expect(read(rounded) == [0, 2])
        #expect(read(gradient(of: (rounded * rounded).sum(), withRespectTo: x)) == [0, 4])
    }

    @Test func customGradientReadsOtherTensorsAsConstants() {
        let (x, other) = (leaf(2), leaf(3))
        let product = withCustomGradient(of: x) {
            $0 * other
        } pullback: { gradient, _, _ in
            gradient * 7
        }
        #expect(gradient(of: product.sum(), withRespectTo: [x, other]).map(read) == [[7], [0]])
    }

    /// Longer than what the engine leaves pending, so that part of it is computed on the way; a recursion would overflow the stack.
    @Test func throughAVeryLongChain() throws {
        let parameter = Parameter(Tensor([Float(1)], device: Device(running: InterpretingBackend())))
        var sum = parameter.tensor
        for _ in 0..<5_000 { sum += parameter.tensor }
        let slope = gradient(of: sum, withRespectTo: parameter.tensor)
        #expect(try slope.scalars() == [Float(5_001)])
    }

    // MARK: Computed values

    /// Pretends that a program has computed `tensor`, and released its inputs if `cutting`.
    private func compute(_ tensor: Tensor, cutting: Bool) {
        let value = Interpreter().evaluate(tensor)
        let released = Node.lock.withLock { number in
            let origins = Origins(of: Node.topologicalOrder(of: [tensor.node], &number))
            tensor.node.complete(with: ReferenceStorage(value))
            return cutting ? tensor.node.cut(origins) : .none
        }
        withExtendedLifetime(released) {}
    }

    @Test func throughValuesThatWereRead() {
        let x = leaf(2)
        let y = x * x
        compute(y, cutting: false)
        #expect(read(gradient(of: (y * y).sum(), withRespectTo: x)) == [32])
    }

    @Test func nothingBehindARequestedTensorIsNeeded() {
        let x = Tensor(reference: Value([2]), isTracked: true)
        let y = x * x
        compute(y, cutting: true)
        #expect(read(gradient(of: (y * y).sum(), withRespectTo: y)) == [8])
    }

    @Test func releasedConstantsDoNoHarm() {
        let (x, data) = (Tensor(reference: Value([2]), isTracked: true), leaf(3))
        let prepared = data * 2
        compute(prepared, cutting: true)
        #expect(read(gradient(of: (prepared * x).sum(), withRespectTo: x)) == [6])
    }

    @Test func aReleasedGraphIsReported() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let x = Tensor(reference: Value([2]), isTracked: true)
            let y = x * x
            GradientTests().compute(y, cutting: true)
            _ = gradient(of: (y * y).sum(), withRespectTo: x)
        }
        #expect(
            result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }?.contains(
                "graph was released by an update") == true)
    }

    @Test func anUntrackedTensorBehindAReleasedValueIsReported() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let x = Tensor(reference: Value([2]))
            let y = x * x
            GradientTests().compute(y, cutting: true)
            _ = gradient(of: (y * y).sum(), withRespectTo: x)
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text.contains("tensor 0 (float32 [1])") && text.contains("read values after taking the gradient"))
    }

    /// Where part of the graph is left, the answer would be a part of the gradient.
    @Test func aGraphReleasedInPartIsReported() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let x = Tensor(reference: Value([2]))
            let y = x * x
            GradientTests().compute(y, cutting: true)
            GradientTests().compute(y * 2, cutting: true)
            _ = gradient(of: (y * x).sum(), withRespectTo: x)
        }
        #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }?.contains("tensor 0 (float32 [1])") == true)
    }

    @Test func whatAReleasedGraphNeverMetIsDifferentiated() throws {
        let device = Device(running: InterpretingBackend())
        let (x, data) = (Tensor([2] as [Float], device: device), Tensor([3] as [Float], device: device))
        let (prepared, other) = (data * 2, x + 1)
        try realizeAll([prepared, other])
        #expect(try gradient(of: (prepared * x).sum(), withRespectTo: x).scalars() == [6] as [Float])
        #expect(try gradient(of: other.sum(), withRespectTo: data).scalars() == [0] as [Float])
        let scale = (x * 5).withoutGradient()
        #expect(try scale.scalars() == [10] as [Float])
        #expect(try gradient(of: (scale * x).sum(), withRespectTo: x).scalars() == [10] as [Float])
        // Computed in two parts of which the second holds nothing of the first.
        let copy = (prepared + 1) * 1
        #expect(try copy.scalars() == [7] as [Float])
        #expect(try gradient(of: (copy * x).sum(), withRespectTo: x).scalars() == [7] as [Float])
    }

    /// The engine computes long paths by itself, and then only a parameter's graph is kept: the message says so.
    @Test func aChainThatTheEngineCutIsReported() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let x = Tensor([Float(1)], device: Device(running: InterpretingBackend()))
            var sum = x
            for _ in 0..<5_000 { sum += x }
            _ = gradient(of: sum, withRespectTo: x)
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text.contains("more than 4000 operations") && text.contains("in a Parameter"))
    }
}
