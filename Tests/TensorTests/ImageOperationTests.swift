import Foundation
import Soma
import SomaReference
import Testing

/// Up-samplings, pixel shuffles and local response normalisations with their gradients against PyTorch's, kept in
/// fixtures/image_operations.json with the script that made them.
@Suite struct ImageOperationTests {
    struct Answer: Decodable, Sendable, CustomTestStringConvertible {
        var kind: String
        var settings: [String: [Double]]
        var input, result, weight, gradient: KnownAnswerTests.Answer.Array

        var testDescription: String {
            "\(kind) of \(input.shape): " + settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }

        func numbers(_ name: String) -> [Int] { (settings[name] ?? []).map { Int($0) } }
        func number(_ name: String) -> Double { settings[name]?.first ?? .nan }

        func apply(_ x: Tensor) -> Tensor? {
            switch kind {
            case "nearest": x.upsampled(to: numbers("extents"))
            case "linear": x.upsampled(to: numbers("extents"), .linear(alignsCorners: number("corners") == 1))
            case "shuffle": x.pixelShuffled(numbers("factor")[0])
            case "unshuffle": x.pixelUnshuffled(numbers("factor")[0])
            case "response":
                x.localResponseNormalized(size: numbers("size")[0], alpha: number("alpha"), beta: number("beta"), k: number("k"))
            default: nil
            }
        }
    }

    static let answers: [Answer] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "fixtures/image_operations.json")
        return (try? JSONDecoder().decode([Answer].self, from: Data(contentsOf: file))) ?? []
    }()

    @Test func answersAreThere() { #expect(Self.answers.count == 23) }

    @Test(arguments: answers) func agreesWithPyTorch(_ answer: Answer) throws {
        let x = answer.input.tensor
        let result = try #require(answer.apply(x))
        expect(result, answer.result, "result")
        expect(gradient(of: result, withRespectTo: x, seed: answer.weight.tensor), answer.gradient, "gradient")
    }

    @Test func shufflesInvertEachOther() {
        let x = Tensor(reference: .sample([2, 8, 3, 2]))
        let elements = Interpreter().evaluate(x).elements
        #expect(Interpreter().evaluate(x.pixelShuffled(2).pixelUnshuffled(2)).elements == elements)
        let line = Tensor(reference: .sample([1, 3, 8]))
        #expect(Interpreter().evaluate(line.pixelUnshuffled(4).pixelShuffled(4)).elements == Interpreter().evaluate(line).elements)
    }
}
