import Soma
import SomaReference
import Testing

@Test func casesHaveNamesOfTheirOwn() {
    let names = OperationCase.all.map(\.name)
    #expect(Set(names).count == names.count, "\(Dictionary(grouping: names) { $0 }.filter { $0.value.count > 1 }.keys)")
    #expect(names.count > 500)
}

@Test(arguments: OperationCase.all.filter(\.hasGradient)) func gradients(_ operation: OperationCase) {
    let difference = operation.gradientDifference()
    #expect(difference == nil)
}

@Test func aCustomKernelAgreesWithItsComposition() throws {
    let operation = try #require(OperationCase.all.first { $0.name == "custom kernel's gradient" })
    let x = Tensor(reference: operation.inputs[0])
    let composed = gradient(of: (x * sigmoid(x) * x).sum(), withRespectTo: x)
    let kernel = Interpreter().evaluate(operation.build([x]))
    #expect(Interpreter().evaluate(composed).firstDifference(from: kernel.elements) == nil)
}
