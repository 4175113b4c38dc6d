import Soma
import SomaReference
import Testing

/// Gradients with respect to numbers that a `scan` reads from outside.
@Suite struct ScanGradientTests {
    private let x = Tensor.linspace(from: 1, to: 3, count: 3, device: .reference).reshaped(to: [3, 1])
    private func read(_ tensor: Tensor) -> [Double] { Interpreter().evaluate(tensor).elements }

    /// s ← a s + x gives a² + 2 a + 3.
    private func polynomial(_ a: Tensor) -> Tensor {
        scan(over: [x], from: [.zeros([1], device: .reference)]) { states, elements in ([states[0] * a + elements[0]], []) }.states[0].sum()
    }

    @Test func aConstant() {
        let a = Tensor(2, device: .reference)
        let slope = gradient(of: polynomial(a), withRespectTo: a)
        #expect(read(slope) == [6])
        #expect(read(gradient(of: slope, withRespectTo: a)) == [2])
    }

    @Test func aTensorOfOneNumberAndWhatIsMadeOfIt() {
        let a = Tensor.full([1], 3, device: .reference)
        // a² in place of a: a⁴ + 2 a² + 3.
        let slope = gradient(of: polynomial(a * a), withRespectTo: a)
        #expect(read(slope) == [4 * 27 + 4 * 3])
        #expect(read(gradient(of: slope.sum(), withRespectTo: a)) == [12 * 9 + 4])
    }

    @Test func aConstantThatIsReadBesideTheScanToo() {
        let a = Tensor(2, device: .reference)
        #expect(read(gradient(of: polynomial(a) * a, withRespectTo: a)) == [2 * 6 + 11])
    }

    @Test func aConstantOfAScanWithin() {
        let a = Tensor(2, device: .reference)
        let inner = scan(over: [x], from: []) { _, _ in ([], [polynomial(a)]) }.outputs[0]
        let slope = gradient(of: inner.sum(), withRespectTo: a)
        #expect(read(slope) == [18])
        #expect(read(gradient(of: slope, withRespectTo: a)) == [6])
    }

    @Test func whatOnlyStepsHaveIsRefusedOutside() async {
        let slope = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let x = Tensor.ones([3, 2], device: .reference)
            var inside = x
            let products = scan(over: [x], from: []) { _, elements in
                inside = elements[0] * 2
                return ([], [inside * 3])
            }.outputs[0]
            _ = Soma.gradient(of: products.sum(), withRespectTo: inside)
        }
        let slopeText = slope.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(slopeText.contains("is a value inside of a scan"), "\(slopeText)")
        let assigned = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let (x, norm) = (Tensor.ones([1, 3, 2], device: .reference), withDevice(.reference) { BatchNorm(2) })
            _ = withTraining { scan(over: [x], from: []) { _, elements in ([], [norm(elements[0])]) } }
        }
        let assignedText = assigned.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(assignedText.contains("a value inside of a scan to a state"), "\(assignedText)")
    }
}
