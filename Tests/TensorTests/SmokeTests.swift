import Soma
import SomaGraph
import SomaReference
import Testing

@Test func subscripts() {
    let x = Tensor(reference: Value([3, 4]) { Double(10 * $0[0] + $0[1]) })
    func read(_ t: Tensor) -> Value { Interpreter().evaluate(t) }
    #expect(read(x[1]) == Value([10, 11, 12, 13]))
    #expect(read(x[.all, 0]) == Value([0, 10, 20]))
    #expect(read(x[1..., 2..<4]) == Value([12, 13, 22, 23], shape: [2, 2]))
    #expect(read(x[.ellipsis, -1]) == Value([3, 13, 23]))
    #expect(read(x[.every(-1), 0]) == Value([20, 10, 0]))
    #expect(read(x[stride(from: 0, to: 3, by: 2), 1]) == Value([1, 21]))
    #expect(read(x[(-2)..., ..<2]) == Value([10, 11, 20, 21], shape: [2, 2]))
    #expect(x[.all, .newAxis].shape == [3, 1, 4])
}
