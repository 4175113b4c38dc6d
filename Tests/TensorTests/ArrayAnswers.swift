import Soma
import SomaReference
import Testing

extension KnownAnswerTests.Answer.Array {
    var tensor: Tensor { Tensor(reference: Value(elements, shape: Shape(shape))) }
}

/// Expects what the reference makes of a tensor to be a known answer.
func expect(_ tensor: Tensor, _ wanted: KnownAnswerTests.Answer.Array, _ what: String) {
    let got = Interpreter().evaluate(tensor)
    #expect(got.shape == Shape(wanted.shape), "\(what)")
    #expect(Value(wanted.elements, shape: got.shape, dtype: got.dtype).firstDifference(from: got.elements) == nil, "\(what)")
}
