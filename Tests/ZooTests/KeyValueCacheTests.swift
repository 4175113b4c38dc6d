import Foundation
import SomaBackend
import SomaReference
@testable import Soma
@testable import SomaZoo
import Testing

/// Texts that are read and written token by token with keys and values kept, against the whole text at once.
@Suite struct KeyValueCacheTests {
    /// GPT-2 and Llama as `transformers` wrote them, tied and untied, with grouped queries.
    private static let names = ["gpt2", "gpt2-bare", "llama-sharded", "llama-tied"]
    private static let trials = ["interpreter", "cpu"].flatMap { device in names.map { ($0, device) } }

    private static func network(_ name: String) throws -> any TransformerModel {
        try PretrainedFolder(path: #filePath.replacing("KeyValueCacheTests.swift", with: "fixtures/pretrained/\(name)")).network()
    }

    private static func device(_ name: String) -> Device? {
        if name == "interpreter" { return Device(running: InterpretingBackend()) }
        do { return try Device.named(name) } catch {
            print("skipped on \(name): \(error)")
            return nil
        }
    }

    /// On OpenCL with one network alone, as its compilers take seconds for each.
    @Test(arguments: trials + [("llama-sharded", "opencl:0")]) func stepsGiveWhatTheWholeTextGives(_ name: String, _ device: String) throws {
        guard let device = Self.device(device) else { return }
        try withDevice(device) { () throws in
            let network = try Self.network(name)
            // Rotary positions count from the first token of the text, so a wrong offset shows.
            let count = min(network.context, 8)
            let numbers = (0..<2 * count).map { Int32(($0 * $0 + 3 * $0 + 1) % network.vocabulary) }
            let text = Tensor(numbers, shape: [2, count])
            let whole: [Double] = try network(text).scalars()
            var (state, parts) = (network.initialState(count: 2), [Tensor]())
            for range in [0..<1, 1..<4, 4..<5, 5..<count] {
                let (logits, next) = network(text[.all, range], from: state)
                parts.append(logits)
                state = next
            }
            let steps: [Double] = try Tensor(concatenating: parts, alongAxis: 1).scalars()
            #expect(whole.count == steps.count && zip(whole, steps).allSatisfy { abs($0 - $1) < 1e-4 })
            #expect(try state[state.count - 1].scalars(as: Int32.self) == [Int32(count), Int32(count)])
        }
    }

    /// What is written greedily is what the whole text has as its likeliest tokens, token by token.
    @Test(arguments: trials) func greedyTexts(_ name: String, _ device: String) throws {
        guard let device = Self.device(device) else { return }
        try withDevice(device) { () throws in
            let network = try Self.network(name)
            // Weights as large as those of a trained network, or every token is followed by itself.
            for named in network.namedParameters where named.name.hasSuffix("weight") && named.parameter.shape.rank == 2 {
                named.parameter.assign(named.parameter.tensor * 8)
            }
            let generator = TextGenerator(network, tokenizer: try CharacterTokenizer(learningFrom: "ab"), temperature: 0)
            let prompt: [Int32] = [2, 7, 1]
            var (written, wanted) = ([Int32](), prompt)
            let count = min(network.context, 12) - prompt.count
            try generator.draw(count, after: prompt, seed: 0) { written.append($0) }
            for _ in 0..<count {
                let logits = network(Tensor(wanted, shape: [1, wanted.count]))
                wanted.append(try logits[.all, -1].argmax(alongAxis: -1).as(.int32).scalars(as: Int32.self)[0])
            }
            #expect(written == Array(wanted.dropFirst(prompt.count)) && Set(wanted).count > 2, "\(written)")
        }
    }

    /// More tokens than there are places are NaN, and no number.
    @Test func tooManyTokens() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let network = try Self.network("llama-sharded")
            var state = network.initialState(count: 1)
            for place in 0...network.context {
                let (logits, next) = network(Tensor([[3] as [Int32]]), from: state)
                #expect(try logits.isFinite.all().item() == (place < network.context ? 1 : 0))
                state = next
            }
        }
    }

    /// A token takes no memory of the size of a cache, prepares no step, and copies no room of keys: all launches but products and what is as large
    /// as a token are attention and the two pieces of each block that are written.
    @Test(arguments: [true, false]) func aTokenCostsAToken(_ isGPT: Bool) throws {
        let backend = RecordingBackend(capabilities: Capabilities(attentionWidth: 256, hasRecurrence: true))
        try withDevice(Device(running: backend)) {
            let network: any TransformerModel = isGPT
                ? GPT(.init(vocabulary: 30, context: 512, layers: 3, heads: 2, width: 16))
                : Llama(.init(vocabulary: 30, context: 512, layers: 3, heads: 4, keyHeads: 2, width: 16, hidden: 24))
            let generator = TextGenerator(network, tokenizer: try CharacterTokenizer(learningFrom: "ab"), temperature: 0.8)
            for round in 0..<3 {
                var count = 0
                try generator.draw(9, after: [1, 2, 3], seed: 1) { _ in
                    if count > 0 {
                        let record = backend.recorded
                        #expect(record.preparedCount == 0 && record.allocatedBytes < 64, "\(record.allocatedBytes)")
                        let labels = record.launches.map(\.name)
                        #expect(labels.count { $0 == "attention" } == 3 && labels.count { $0 == "blockCopy" } == 6, "\(labels)")
                        #expect(labels.count < 50, "\(labels)")
                    } else if round == 2 {
                        #expect(backend.recorded.preparedCount == 0, "a further text compiles nothing")
                    }
                    count += 1
                    backend.reset()
                }
            }
        }
    }
}
