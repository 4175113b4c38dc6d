import Foundation
import Soma
import SomaReference
import SomaZoo
import Testing

/// Programs of docs/language-models.md, line by line.
@Suite struct LanguageModelPageTests {
    @Test func networks() throws {
        try withDevice(Device(running: InterpretingBackend())) {
            try withRandomSeed(1) {
                let small = GPT(.init(vocabulary: 65, context: 128, layers: 4, heads: 4, width: 128, dropout: 0.1))
                let other = Llama(.init(vocabulary: 65, context: 128, layers: 4, heads: 8, keyHeads: 2, width: 128, hidden: 352))
                for network in [small, other] as [any TransformerModel] {
                    let logits: [Double] = try network(Tensor([[3, 64]] as [[Int32]])).scalars()
                    #expect(logits.count == 130)
                }
                #expect(small.head == nil && other.head != nil)
            }
        }
    }

    @Test func aFolderIsReadAndGoneOnFrom() throws {
        let path = #filePath.replacing("LanguageModelPageTests.swift", with: "fixtures/pretrained/gpt2")
        try withDevice(Device.named("cpu")) {
            let folder = try PretrainedFolder(path: path)
            let (network, tokenizer) = (try folder.network(), try folder.tokenizer())
            let generator = TextGenerator(network, tokenizer: tokenizer, temperature: 0)
            print(try generator.text(after: "to be", count: 4, seed: 1))

            let writer = TextGenerator(network, tokenizer: tokenizer, temperature: 0.8, topK: 40)
            var stream = TokenStream(tokenizer)
            try writer.draw(4, after: tokenizer.encode("to be"), seed: 7) { print(try stream.append($0), terminator: "") }
            print(stream.finish())
        }
    }

    @Test func aFolderIsFineTuned() throws {
        let path = #filePath.replacing("LanguageModelPageTests.swift", with: "fixtures/pretrained/gpt2")
        let (folder, results) = (try PretrainedFolder(path: path), NSTemporaryDirectory() + "soma-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: results) }
        try withDevice(Device.named("cpu")) {
            let (network, tokenizer) = (try folder.network(), try folder.tokenizer())
            let tokens = try TokenSequence(of: String(repeating: "to be or not to be ", count: 20), tokenizer)
            let before = try network.parameters.map { try $0.tensor.scalars(as: Float.self) }
            let (first, text) = try (tokens.loss(of: network), Tensor([tokenizer.encode("to be")]))

            let additions = LowRankAdditions(to: network, rank: 2, alpha: 4) { $0.contains("attn") }
            let optimizer = try Optimizer(AdamW(), for: additions, learningRate: 1e-2)
            let trainer = Trainer(additions, network.nextToken(), optimizer, .init(epochs: 4, batchSize: 4, seed: 1))
            try trainer.run(on: TextWindows(tokens, length: 8))
            #expect(try network.parameters.map { try $0.tensor.scalars(as: Float.self) } == before)
            let (last, logits) = try (tokens.loss(of: network), network(text).scalars(as: Float.self))
            #expect(last < first - 0.05, "\(first), \(last)")
            try Checkpoint.write(additions, to: "\(results)/additions.safetensors")
            additions.merge()
            #expect(try zip(network(text).scalars(as: Float.self), logits).allSatisfy { abs($0 - $1) < 1e-5 })
            // To the network as it was read, by the names of peft.
            let other = try folder.network()
            let restored = LowRankAdditions(to: other, rank: 2, alpha: 4) { $0.contains("attn") }
            try Checkpoint(path: "\(results)/additions.safetensors").restore(
                restored, renaming: Checkpoint.withoutPrefix("base_model.model."))
            #expect(try other(text).scalars(as: Float.self) == logits)
            #expect(restored.namedParameters[0].name == "h.0.attn.c_attn.lora_A.weight")
        }
    }

    @Test func thePageShowsThesePrograms() throws {
        func lines(_ text: String) -> [String] { text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) } }
        let path = #filePath.replacing("Tests/ZooTests/LanguageModelPageTests.swift", with: "docs/language-models.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let programs = page.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        let here = lines(try String(contentsOfFile: #filePath, encoding: .utf8)).joined(separator: "\n")
        #expect(programs.count == 5 && programs.allSatisfy { here.contains(lines($0).joined(separator: "\n").trimmingCharacters(in: .newlines)) })
    }
}

extension TokenSequence {
    /// The mean loss of the windows.
    fileprivate func loss(of network: any TransformerModel) throws -> Double {
        let windows = try TextWindows(self, length: 8)
        return try Minibatch(of: windows, 0..<windows.count).loss(of: network)
    }
}

extension Minibatch {
    fileprivate func loss(of network: any TransformerModel) throws -> Double {
        try crossEntropy(network(self["tokens"]), self["targets"]).item()
    }
}
