import Foundation
import Soma
import SomaReference
import Testing

/// Convolutions and poolings with their gradients against PyTorch's, kept in fixtures/convolutions.json with the script that made them.
@Suite struct ConvolutionTests {
    struct Answer: Decodable, Sendable, CustomTestStringConvertible {
        var kind: String
        var settings: [String: [Int]]
        var inputs: [KnownAnswerTests.Answer.Array]
        var result: KnownAnswerTests.Answer.Array
        var weight: KnownAnswerTests.Answer.Array
        var gradients: [KnownAnswerTests.Answer.Array]

        var testDescription: String {
            "\(kind) of \(inputs[0].shape): " + settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }

        func numbers(_ name: String) -> [Int] { settings[name] ?? [] }
        func number(_ name: String) -> Int { numbers(name).first ?? 0 }

        func apply(_ x: [Tensor]) -> Tensor? {
            let window = PoolingWindow(
                size: numbers("size"), stride: numbers("stride"), padding: numbers("padding"), dilation: settings["dilation"] ?? [1],
                isCeiling: number("ceiling") == 1)
            return switch kind {
            case "convolution":
                convolution(
                    x[0], x[1], stride: numbers("stride"), padding: .each(numbers("padding")), dilation: numbers("dilation"),
                    groups: number("groups"))
            case "transposed":
                transposedConvolution(
                    x[0], x[1], stride: numbers("stride"), padding: numbers("padding"), outputPadding: numbers("outputPadding"),
                    dilation: numbers("dilation"), groups: number("groups"))
            case "max": x[0].maxPooled(window)
            case "average": x[0].averagePooled(window, countsPadding: number("counts") == 1)
            case "adaptive": x[0].adaptiveAveragePooled(to: numbers("outputs"))
            case "adaptive max": x[0].adaptiveMaxPooled(to: numbers("outputs"))
            default: nil
            }
        }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fixtures/convolutions.json")
        return (try? JSONDecoder().decode([Answer].self, from: Data(contentsOf: file))) ?? []
    }()

    @Test func answersAreThere() { #expect(Self.answers.count == 54) }

    @Test(arguments: answers) func agreesWithPyTorch(_ answer: Answer) throws {
        let inputs = answer.inputs.map(\.tensor)
        let result = try #require(withDevice(.reference) { answer.apply(inputs) })
        expect(result, answer.result, "result")
        let gradients = gradient(of: result, withRespectTo: inputs, seed: answer.weight.tensor)
        for (got, wanted) in zip(gradients, answer.gradients) { expect(got, wanted, "gradient") }
    }

    @Test func samePaddingKeepsExtents() {
        for (extent, size, stride, dilation) in [(7, 3, 1, 1), (8, 3, 2, 1), (7, 4, 2, 1), (9, 3, 3, 2), (5, 2, 1, 3)] {
            let x = Tensor(reference: Value([Double](repeating: 1, count: extent), shape: [1, 1, extent]))
            let w = Tensor(reference: Value([Double](repeating: 1, count: size), shape: [1, 1, size]))
            let y = convolution(x, w, stride: [stride], padding: .same, dilation: [dilation])
            #expect(y.shape == [1, 1, (extent + stride - 1) / stride])
        }
    }
}
