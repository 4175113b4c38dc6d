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
}
