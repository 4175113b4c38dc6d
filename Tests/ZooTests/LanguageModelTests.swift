import Soma
import SomaReference
import SomaZoo
import Testing

/// The decoders of GPT-2 and Llama as networks to train; what they compute is held against `transformers` in `PretrainedTests`.
@Suite struct LanguageModelTests {
    private static let interpreter = Device(running: InterpretingBackend())

    @Test func theSmallestGPT2() throws {
        withDevice(Self.interpreter) {
            let network = withoutInitialization { GPT(.gpt2) }
            #expect(network.parameters.reduce(0) { $0 + $1.shape.count } == 124_439_808)
            let names = network.namedParameters.map(\.name)
            #expect(names.prefix(2) == ["wte.weight", "wpe.weight"] && names.suffix(2) == ["ln_f.weight", "ln_f.bias"])
            #expect(
                names[2..<14] == [
                    "h.0.ln_1.weight", "h.0.ln_1.bias", "h.0.attn.c_attn.weight", "h.0.attn.c_attn.bias", "h.0.attn.c_proj.weight",
                    "h.0.attn.c_proj.bias", "h.0.ln_2.weight", "h.0.ln_2.bias", "h.0.mlp.c_fc.weight", "h.0.mlp.c_fc.bias", "h.0.mlp.c_proj.weight",
                    "h.0.mlp.c_proj.bias",
                ])
        }
    }

    @Test func firstValues() throws {
        try withDevice(Self.interpreter) { () throws in
            let network = withRandomSeed(1) { GPT(.init(vocabulary: 200, context: 20, layers: 2, heads: 2, width: 32, isTied: false)) }
            for named in network.namedParameters where named.name.hasSuffix("weight") && !named.name.contains("ln_") {
                let numbers: [Double] = try named.parameter.tensor.scalars()
                let square = numbers.reduce(0) { $0 + $1 * $1 } / Double(numbers.count)
                let wanted = named.name.contains("c_proj") ? 0.01 : 0.02
                // Five standard deviations of the mean square of normal numbers.
                #expect(abs(square / (wanted * wanted) - 1) < 5 * (2 / Double(numbers.count)).squareRoot(), "\(named.name)")
            }
            let start = try crossEntropy(network(Tensor([[1, 2, 3] as [Int32]])), Tensor([[2, 3, 4] as [Int32]])).item()
            #expect(abs(start - 5.3) < 0.2, "nearly ln 200: \(start)")
        }
    }

    /// A text of period 5: after some steps the next token is known. Twice the same bits, since gradients of embeddings are added in the order of the
    /// tokens.
    @Test(arguments: [true, false]) func aTextIsLearned(_ isGPT: Bool) throws {
        try withDevice(Device.named("cpu")) {
            func train() throws -> (loss: Double, weights: [Float]) {
                try withRandomSeed(3) {
                    let network: any TransformerModel =
                        isGPT
                        ? GPT(.init(vocabulary: 6, context: 8, layers: 1, heads: 2, width: 16, dropout: 0.1))
                        : Llama(.init(vocabulary: 6, context: 8, layers: 1, heads: 4, keyHeads: 2, width: 16, hidden: 24, isTied: true))
                    let holder = Holder(network: network)
                    let optimizer = try Optimizer(Adam(), for: holder, learningRate: 1e-2)
                    let places = Tensor.range(9).expandingDims(at: 0) + Tensor.range(10).expandingDims(at: 1)
                    let text = remainder(places * places, 5)
                    let step = compiled { (text: Tensor) in
                        let loss = crossEntropy(holder.network(text[.all, ..<8]), text[.all, 1...])
                        try optimizer.update(minimizing: loss)
                        return loss
                    }
                    for _ in 0..<100 { _ = try step(text) }
                    let loss = try crossEntropy(network(text[.all, ..<8])[.all, 2...], text[.all, 3...]).item()
                    return (loss, try network.parameters[0].tensor.scalars(as: Float.self))
                }
            }
            let (first, second) = (try train(), try train())
            #expect(first.loss < 0.1, "\(first.loss)")
            #expect(first.weights == second.weights)
        }
    }

    /// Token by token, or some at once, a state of keys and values gives what the whole text gives.
    @Test func stepsGiveWhatTheWholeTextGives() throws {
        try withDevice(Device.named("cpu")) {
            try withRandomSeed(5) {
                let network = GPT(.init(vocabulary: 7, context: 6, layers: 2, heads: 2, width: 8, dropout: 0))
                let text = Tensor([1, 5, 2, 0, 6, 3, 4, 4, 1, 2, 0, 5] as [Int32], shape: [2, 6])
                let whole = try network(text).scalars(as: Float.self)
                var (state, parts) = (network.initialState(count: 2), [Tensor]())
                for range in [0..<1, 1..<4, 4..<5, 5..<6] {
                    let (logits, next) = network(text[.all, range], from: state)
                    parts.append(logits)
                    state = next
                }
                let steps = try Tensor(concatenating: parts, alongAxis: 1).scalars(as: Float.self)
                #expect(zip(whole, steps).allSatisfy { abs($0 - $1) < 1e-5 })
                #expect(try state[4].scalars(as: Int32.self) == [6, 6])
            }
        }
    }

    private struct Holder: Module {
        let network: any TransformerModel
    }
}
