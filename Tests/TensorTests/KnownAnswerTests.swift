import Foundation
import Soma
import SomaReference
import Testing

/// Operations and gradients against PyTorch's, kept in fixtures/known_answers.json with the script that made them. They hold
/// the conventions that the interpreter shares with the engine: what is biased, which tie wins, which way a batch broadcasts.
@Suite struct KnownAnswerTests {
    struct Answer: Decodable, Sendable, CustomTestStringConvertible {
        struct Array: Decodable, Sendable {
            var shape: [Int]
            var elements: [Double]
        }
        var name: String
        var inputs: [Array]
        var result: Array
        var weight: Array?
        var gradients: [Array]?
        var testDescription: String { name }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fixtures/known_answers.json")
        return (try? JSONDecoder().decode([Answer].self, from: Data(contentsOf: file))) ?? []
    }()

    /// Small integers are added up in int32, as NumPy and PyTorch add them up in a wider type.
    @Test func sumsOfSmallIntegersDoNotWrap() {
        let bytes = Tensor(reference: Value([200, 100], shape: [2], dtype: .uint8))
        let flags = Tensor(reference: Value([1, 0, 1, 1], shape: [2, 2], dtype: .bool))
        for (result, elements) in [
            (bytes.sum(), [300.0]), (bytes.product(), [20_000]), (flags.sum(), [3]), (flags.sum(alongAxes: 0), [2, 1]), (flags.product(), [0]),
        ] {
            #expect(result.dtype == .int32)
            #expect(Interpreter().evaluate(result).elements == elements)
        }
        let rows = Tensor(reference: Value([7, 9, 5, 6], shape: [2, 2], dtype: .uint8))
        #expect(rows.picked(atIndices: Tensor(reference: Value([1, 0], dtype: .int32))).dtype == .uint8)
    }

    /// Steps that are never taken twice may be of any size.
    @Test func stepsBeyondAnAxis() {
        let x = Tensor(reference: Value([1, 2, 3]))
        func read(_ tensor: Tensor) -> [Double] { Interpreter().evaluate(tensor).elements }
        #expect(read(x[.every(.max)]) == [1] && read(x[.every(.min)]) == [3])
        #expect(read(x[.range(from: 0, to: 3, by: 2)]) == [1, 3] && read(x[.range(from: 2, to: nil, by: -2)]) == [3, 1])
        #expect(read(x[.range(from: 2, to: 0, by: 5)]) == [] && read(x[...(-1)]) == [1, 2, 3])
    }

    private static let operations: [String: @Sendable ([Tensor]) -> Tensor] = [
        "softmax": { $0[0].softmax(alongAxis: 1) },
        "logSoftmax": { $0[0].logSoftmax(alongAxis: 0) },
        "logSumExp": { $0[0].logSumExp(alongAxes: 0, 2) },
        "variance": { $0[0].variance(alongAxes: 1) },
        "unbiased variance": { $0[0].variance(alongAxes: 1, unbiased: true) },
        "standard deviation": { $0[0].standardDeviation() },
        "mean": { $0[0].mean(alongAxes: -2, keepingDims: true) },
        "product": { $0[0].product(alongAxes: 1) },
        "max": { $0[0].max(alongAxes: 1) },
        "argmax": { $0[0].argmax(alongAxis: 1) },
        "argmin of all": { $0[0].argmin() },
        "round": { round($0[0]) },
        "remainder": { remainder($0[0], $0[1]) },
        "pow": { pow($0[0], $0[1]) },
        "erf": { erf($0[0]) },
        "sigmoid": { sigmoid($0[0]) },
        "tanh of a product": { tanh($0[0] * $0[1]) },
        "matmul, batches": { matmul($0[0], $0[1]) },
        "matmul, vector and batch": { matmul($0[0], $0[1]) },
        "matmul, batch and vector": { matmul($0[0], $0[1]) },
        "outer": { outer($0[0], $0[1]) },
        "gather": { $0[0].gathered(atIndices: $0[1].as(.int32), alongAxis: 1) },
        "scatter-add": { $0[0].scatteredAdd($0[2], atIndices: $0[1].as(.int32)) },
        "pad": { $0[0].padded([(1, 0), (2, 1)], with: -1) },
        "slice": { $0[0][.range(from: 1, by: 2), (-3)...] },
        "flip": { $0[0].flipped(alongAxes: 1) },
        "tile": { $0[0].tiled([2, 3]) },
        "repeat": { $0[0].repeated(3, alongAxis: 0) },
        "roll by joining": {
            Tensor(concatenating: [$0[0][.all, (-1)...], $0[0][.all, .range(to: -1)]], alongAxis: 1)
        },
        "triangle": { $0[0].lowerTriangle(offset: -1) },
        "linspace": { _ in Tensor.linspace(from: -1, to: 2, count: 7, device: .reference) },
        "clamp": { $0[0].clamped(to: -0.5...0.5) },
        "gelu": { x in x[0] * (1 + erf(x[0] * 0.5.squareRoot())) * 0.5 },
        "layer norm": { x in
            let centred = x[0] - x[0].mean(alongAxes: -1, keepingDims: true)
            return centred * rsqrt(square(centred).mean(alongAxes: -1, keepingDims: true) + 1e-5) * x[1] + x[2]
        },
        "cross-entropy": { -$0[0].logSoftmax().picked(atIndices: $0[1].as(.int32)).mean() },
    ]

    private func tensor(
        _ array: Answer.Array
    ) -> Tensor {
        Tensor(reference: Value(array.elements, shape: Shape(array.shape)))
    }

    private func expect(_ tensor: Tensor, _ wanted: Answer.Array, _ what: String) {
        let got = Interpreter().evaluate(tensor)
        #expect(got.shape == Shape(wanted.shape), "\(what)")
        let difference = Value(wanted.elements, shape: got.shape, dtype: got.dtype).firstDifference(from: got.elements)
        #expect(difference == nil, "\(what)")
    }

    @Test func everyAnswerHasItsOperation() {
        #expect(Set(Self.answers.map(\.name)) == Set(Self.operations.keys))
        #expect(Self.answers.count >= 35)
    }

    @Test(arguments: answers) func agreesWithPyTorch(_ answer: Answer) throws {
        let operation = try #require(Self.operations[answer.name])
        let inputs = answer.inputs.map(tensor)
        let result = operation(inputs)
        expect(result, answer.result, "result")
        guard let weight = answer.weight, let gradients = answer.gradients else { return }
        // The gradients are of the inputs that are not indices.
        let indices = ["gather": [1], "scatter-add": [1], "cross-entropy": [1]][answer.name] ?? []
        let variables = inputs.indices.filter { !indices.contains($0) }.map { inputs[$0] }
        for (got, wanted) in zip(gradient(of: result, withRespectTo: variables, seed: tensor(weight)), gradients) {
            expect(got, wanted, "gradient")
        }
    }
}

/// The lines of a text file, without the blanks around them.
func lines(of path: String) throws -> [String] {
    try String(contentsOf: URL(filePath: path), encoding: .utf8).components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
}
