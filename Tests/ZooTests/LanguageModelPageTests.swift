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
            var text = try tokenizer.encode("to be")
            for _ in 0..<4 {
                let logits = network.logits(of: network.states(of: Tensor([text]))[0, -1])
                text.append(Int32(try logits.argmax().item()))
            }
            print(try tokenizer.decode(text))
            let whole = try network(Tensor([text])).argmax(alongAxis: 2)[0].scalars(as: Int32.self)
            #expect(try text.count == tokenizer.encode("to be").count + 4 && text.suffix(4) == whole.dropLast().suffix(4))
        }
    }

    @Test func thePageShowsThesePrograms() throws {
        func lines(_ text: String) -> [String] { text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) } }
        let path = #filePath.replacing("Tests/ZooTests/LanguageModelPageTests.swift", with: "docs/language-models.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let programs = page.components(separatedBy: "```swift\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
        let here = lines(try String(contentsOfFile: #filePath, encoding: .utf8)).joined(separator: "\n")
        #expect(programs.count == 2 && programs.allSatisfy { here.contains(lines($0).joined(separator: "\n").trimmingCharacters(in: .newlines)) })
    }
}
