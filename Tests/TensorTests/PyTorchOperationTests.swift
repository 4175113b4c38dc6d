import Foundation
import Soma
import SomaReference
import Testing

/// Operations that are composed of others, and their gradients, against PyTorch's, kept in fixtures/operations.json with the script that made them.
@Suite struct PyTorchOperationTests {
    struct Answer: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var inputs: [KnownAnswerTests.Answer.Array]
        var result: KnownAnswerTests.Answer.Array
        var variables: [Int]?
        var weight: KnownAnswerTests.Answer.Array?
        var gradients: [KnownAnswerTests.Answer.Array]?
        var testDescription: String { name }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fixtures/operations.json")
        return (try? JSONDecoder().decode([Answer].self, from: Data(contentsOf: file))) ?? []
    }()

    private typealias Operation = @Sendable ([Tensor]) -> Tensor

    private static let order: [String: Operation] = [
        "sort": { $0[0].sorted(alongAxis: 1).values },
        "sort, descending": { $0[0].sorted(alongAxis: 0, descending: true).values },
        "argsort of ties": { $0[0].argsort() },
        "argsort of ties, descending": { $0[0].argsort(descending: true) },
        "topK": { $0[0].topK(2).values },
        "topK, least, of columns": { $0[0].topK(3, alongAxis: 0, largest: false).values },
        "median": { $0[0].median(alongAxis: 1) },
        "quantile": { $0[0].quantile(0.3, alongAxis: 1) },
        "quantiles": { $0[0].quantiles([0, 0.25, 0.9], alongAxis: 0, keepingDims: true) },
        "cumulative sum": { $0[0].cumulativeSum(alongAxis: 1) },
        "cumulative product": { $0[0].cumulativeProduct(alongAxis: 0) },
        "cumulative maximum": { $0[0].cumulativeMaximum(alongAxis: 1) },
        "cumulative minimum": { $0[0].cumulativeMinimum(alongAxis: 0) },
    ]

    private static let places: [String: Operation] = [
        "gather": { $0[0].picked(atIndices: $0[1].as(.int32), alongAxis: 1) },
        "gather of columns": { $0[0].picked(atIndices: $0[1].as(.int64), alongAxis: 0) },
        "scatter": { $0[0].scattered($0[1], atIndices: $0[2].as(.int32), alongAxis: 1) },
        "scatter, adding": { $0[0].scattered($0[1], atIndices: $0[2].as(.int32), alongAxis: 1, combining: .add) },
        "scatter, greatest": { $0[0].scattered($0[1], atIndices: $0[2].as(.int32), alongAxis: 1, combining: .maximum) },
        "scatter, least": { $0[0].scattered($0[1], atIndices: $0[2].as(.int32), alongAxis: 1, combining: .minimum) },
        "roll": { $0[0].rolled(by: 2, alongAxis: 1) },
        "roll back": { $0[0].rolled(by: -7, alongAxis: 0) },
        "meshgrid": { Tensor(stacking: meshgrid($0[0], $0[1])) },
        "meshgrid, cartesian": { Tensor(stacking: meshgrid($0[0], $0[1], $0[2], indexing: .cartesian)) },
        "replacing a row": { $0[0].replacing(at: 1, with: $0[1]) },
        "replacing columns": { $0[0].replacing(at: .all, 1..<3, with: $0[1]) },
        "replacing every other": { $0[0].replacing(at: .every(2), .range(from: 1, by: 3), with: $0[1]) },
        "replacing an element": { x in
            var y = x[0]
            y[0, -1] = x[1]
            return y
        },
    ]

    private static let measures: [String: Operation] = [
        "norm": { $0[0].norm(alongAxes: 1) },
        "norm of order 1": { $0[0].norm(order: 1, alongAxes: 0, 2) },
        "norm of order 3": { $0[0].norm(order: 3, alongAxes: 1, keepingDims: true) },
        "norm of order -1.5": { $0[0].norm(order: -1.5) },
        "norm of order inf": { $0[0].norm(order: .infinity, alongAxes: 1) },
        "norm of order -inf": { $0[0].norm(order: -.infinity, alongAxes: 1) },
        "norm of 0": { $0[0].norm(alongAxes: 1) },
        "cosine similarity": { cosineSimilarity($0[0], $0[1]) },
        "cosine similarity, broadcast": { cosineSimilarity($0[0], $0[1]) },
        "pairwise distance": { pairwiseDistance($0[0], $0[1]) },
        "pairwise distance, order 1": { pairwiseDistance($0[0], $0[1], order: 1) },
        "negative log-likelihood": { negativeLogLikelihood($0[0], $0[1].as(.int32)) },
        "negative log-likelihood, weighted": { negativeLogLikelihood($0[0], $0[1].as(.int32), classWeights: classWeights) },
        "negative log-likelihood, ignoring": { negativeLogLikelihood($0[0], $0[1].as(.int64), classWeights: classWeights, ignoredIndex: 3) },
        "negative log-likelihood, each": {
            negativeLogLikelihood($0[0], $0[1].as(.int32), classWeights: classWeights, ignoredIndex: 3, reduction: .none)
        },
        "divergence": { klDivergence($0[0], $0[1]) },
        "divergence of logarithms": { klDivergence($0[0], $0[1], targetsAreLogarithms: true, reduction: .sum) },
        "divergence, each": { klDivergence($0[0], $0[1], reduction: .none) },
        "smooth L1": { smoothL1Loss($0[0], $0[1], beta: 0.75) },
        "smooth L1, beta 0": { smoothL1Loss($0[0], $0[1], beta: 0) },
    ]

    private static var classWeights: Tensor { Tensor(reference: Value([0.5, 2, 1, 1.5])) }

    private static let functions: [String: Operation] = [
        "tan": { tan($0[0]) }, "atan": { atan($0[0]) }, "asin": { asin($0[0]) }, "acos": { acos($0[0]) }, "atan2": { atan2($0[0], $0[1]) },
        "sinh": { sinh($0[0]) }, "cosh": { cosh($0[0]) }, "asinh": { asinh($0[0]) }, "acosh": { acosh($0[0]) }, "atanh": { atanh($0[0]) },
        "log2": { log2($0[0]) }, "log10": { log10($0[0]) }, "exp2": { exp2($0[0]) },
    ]

    /// Of `einsum` the name is the equation.
    private static func operation(_ name: String) -> Operation? {
        if name.hasPrefix("einsum ") { return { einsum(String(name.dropFirst(7)), $0) } }
        return order[name] ?? places[name] ?? measures[name] ?? functions[name]
    }

    @Test func everyOperationHasItsAnswer() {
        let names = Set(Self.answers.map(\.name).filter { !$0.hasPrefix("einsum ") })
        #expect(names == Set([Self.order, Self.places, Self.measures, Self.functions].flatMap(\.keys)))
        #expect(Self.answers.count - names.count >= 19)
    }

    @Test(arguments: answers) func agreesWithPyTorch(_ answer: Answer) throws {
        let operation = try #require(Self.operation(answer.name))
        let inputs = answer.inputs.map(\.tensor)
        let result = operation(inputs)
        expect(result, answer.result, "result")
        guard let variables = answer.variables, let weight = answer.weight, let gradients = answer.gradients else { return }
        for (got, wanted) in zip(gradient(of: result, withRespectTo: variables.map { inputs[$0] }, seed: weight.tensor), gradients) {
            expect(got, wanted, "gradient")
        }
    }
}
