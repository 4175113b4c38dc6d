import Soma
import SomaReference
import Testing

/// Random numbers in a `scan`: the same at every step where they were drawn outside of it.
@Suite struct ScanRandomTests {
    private let x = Tensor.ones([3, 2], device: .reference)
    private func read(_ tensor: Tensor) -> [Double] { Interpreter().evaluate(tensor).elements }
    private func uniform() -> Tensor { .randomUniform([2], device: .reference) }

    @Test func whatWasDrawnOutsideIsTheSameAtEveryStep() {
        withRandomSeed(5) {
            let mask = uniform()
            let products = scan(over: [x], from: []) { _, elements in ([], [elements[0] * mask]) }.outputs[0]
            let slopes = gradient(of: products.sum(), withRespectTo: [x, mask])
            let expected = read(mask)
            #expect(expected[0] != expected[1])
            #expect(read(products) == expected + expected + expected)
            #expect(read(slopes[0]) == expected + expected + expected)
            #expect(read(slopes[1]) == [3, 3])
        }
    }

    @Test func whatAStepDrawsIsItsOwn() {
        withRandomSeed(5) {
            let products = scan(over: [x], from: []) { _, elements in ([], [elements[0] * uniform()]) }.outputs[0]
            let slope = gradient(of: products.sum(), withRespectTo: x)
            let masks = read(products)
            #expect(Set(masks).count == 6, "\(masks)")
            #expect(read(slope) == masks)
        }
    }

    @Test func aScanWithinHasTheDrawOfItsStep() {
        withRandomSeed(5) {
            let rows = x.reshaped(to: [3, 2, 1])
            let products = scan(over: [rows], from: []) { _, elements in
                let mask = Tensor.randomUniform([1], device: .reference)
                return ([], [scan(over: [elements[0]], from: []) { _, inner in ([], [inner[0] * mask]) }.outputs[0]])
            }.outputs[0]
            let slope = gradient(of: products.sum(), withRespectTo: rows)
            let masks = read(products)
            #expect(Set(masks).count == 3, "\(masks)")
            #expect(masks[0] == masks[1] && masks[2] == masks[3] && masks[4] == masks[5], "\(masks)")
            #expect(read(slope) == masks)
        }
    }

    @Test func aBlockThatIsComputedAgainHasItsDrawsAgain() {
        struct Noisy: Layer {
            let outside: Tensor
            func callAsFunction(_ x: Tensor) -> Tensor { square(x) * Tensor.randomUniform([2], device: .reference) * outside }
        }
        withRandomSeed(5) {
            let outside = uniform()
            let products = withTraining {
                scan(over: [x], from: []) { _, elements in ([], [recomputed(Noisy(outside: outside), elements[0])]) }.outputs[0]
            }
            let slope = gradient(of: products.sum(), withRespectTo: x)
            let values = read(products)
            #expect(Set(values).count == 6)
            #expect(read(slope) == values.map { 2 * $0 })
        }
    }
}
