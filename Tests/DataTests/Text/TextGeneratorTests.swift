import Testing

@testable import Soma

/// What language models write, of models whose answers are known.
@Suite struct TextGeneratorTests {
    /// The token behind a is a + 1; logits are as large as ±`scale`. Its state counts the tokens that it has read, and more than `contextLength` of
    /// them give NaN.
    private struct Counting: LanguageModel {
        let vocabularyCount = 5
        var contextLength: Int?
        var scale = 100.0
        let weight = Parameter(Tensor(0))

        func initialState(count: Int) -> [Tensor] { [.zeros([1, count, 1])] }

        func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
            let (count, steps) = (tokens.shape[0], tokens.shape[1])
            let read = (state ?? initialState(count: count))[0] + Double(steps)
            let following = (tokens + 1) .== 5
            let next = Tensor.select(following, 0, tokens + 1).expandingDims(at: 2)
            let isNext = next .== Tensor.range(5, device: tokens.device).reshaped(to: [1, 1, 5])
            let logits = Tensor.select(isNext, Tensor(Float(scale), device: tokens.device), Tensor(Float(-scale), device: tokens.device))
            let limit = Double(contextLength ?? Int.max)
            return (Tensor.select(read.reshaped(to: [count, 1, 1]) .> limit, .nan, logits), [read])
        }
    }

    private struct Written: LanguageModel {
        let vocabularyCount = 4
        let embedding = Embedding(count: 4, size: 6)
        let recurrent = GRU(from: 6, to: 8, layers: 2)
        let output = Linear(from: 8, to: 4)

        func initialState(count: Int) -> [Tensor] { [.zeros([2, count, 8])] }

        func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
            let (outputs, next) = recurrent(embedding(tokens), from: state?[0])
            return (output(outputs), [next])
        }
    }

    private let letters: CharacterTokenizer
    init() throws { letters = try CharacterTokenizer(learningFrom: "abcde") }

    @Test func goesOn() throws {
        try withDevice(Device.named("cpu")) { () throws in
            for scale in [100.0, 1e4] {
                let generator = TextGenerator(Counting(scale: scale), tokenizer: letters, topK: 3, topP: 0.9)
                #expect(try generator.text(after: "b", count: 7, seed: 1) == "cdeabcd")
                // Without a prompt it begins behind the first token, as there is no line break among these.
                #expect(try generator.text(count: 3, seed: 1) == "bcd")
            }
        }
    }

    /// Where more was read than the model looks back at, it begins anew with half of that.
    @Test(arguments: [1, 2, 3, 4, 7]) func looksBackNoFartherThanItMay(limit: Int) throws {
        try withDevice(Device.named("cpu")) { () throws in
            let generator = TextGenerator(Counting(contextLength: limit), tokenizer: letters)
            #expect(try generator.text(after: "bcdeabc", count: 17, seed: 1) == "deabcdeabcdeabcde")
        }
    }

    /// Token by token, with the state handed on, as in one pass over the whole text.
    @Test func isOnePassOverTheText() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let model = withRandomSeed(3) { Written() }
            model.output.weight.assign(model.output.weight.tensor * 10)
            let tokenizer = try CharacterTokenizer(learningFrom: "abcd")
            let text = try TextGenerator(model, tokenizer: tokenizer, temperature: 0).text(after: "ab", count: 12, seed: 0)
            let tokens = try tokenizer.encode("ab" + text)
            let logits = model(Tensor(tokens, shape: [1, tokens.count]), from: nil).logits
            let likeliest: [Int32] = try logits.argmax(alongAxis: -1).as(.int32).scalars()
            #expect(Array(tokens[2...]) == Array(likeliest[1..<13]) && Set(tokens).count > 1, "\(text)")
        }
    }

    @Test func theSeedDecides() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let generator = TextGenerator(withRandomSeed(3) { Written() }, tokenizer: try CharacterTokenizer(learningFrom: "abcd"))
            let texts = try [7, 7, 8].map { try generator.text(after: "a", count: 40, seed: $0) }
            #expect(texts[0] == texts[1] && texts[0] != texts[2])
            // What is asked for in one go begins with what is asked for in part.
            #expect(try generator.text(after: "a", count: 10, seed: 7) == String(texts[0].prefix(10)))
        }
    }

    @Test func whatCannotBeWritten() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let generator = TextGenerator(Counting(scale: .nan), tokenizer: letters)
            expectError("its weights give NaN or an infinity") { _ = try generator.text(count: 1, seed: 0) }
            let sound = TextGenerator(Counting(), tokenizer: letters)
            expectError("the prompt, line 1, column 2", "'x'") { _ = try sound.text(after: "ax", count: 1, seed: 0) }
            expectError("token 5 is none of the vocabulary of 5") { try sound.draw(1, after: [5], seed: 0) { _ in } }
        }
    }

    /// The session of a language model tells of texts of any length up to its own what follows.
    @Test func sessionsTellTheNextToken() throws {
        try withDevice(Device.named("cpu")) { () throws in
            let session = Session(Counting(scale: 3), tokenizer: letters, length: 4)
            let input = try #require({ if case .text(let input) = session.input { input } else { nil as TextInput? } }())
            #expect(session.answer.valueCount == 5 && session.input.sampleShape == [4] && !session.isDifferentiable)
            let answers = try session.answers(to: ["a", "abc", "abcde"].map { try input.sample(of: $0) })
            #expect(answers.map { $0.firstIndex(of: $0.max() ?? 0) } == [1, 3, 4])
            #expect(answers.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 })
            #expect(try session.textGenerator(temperature: 0)?.text(after: "d", count: 2, seed: 0) == "ea")
            expectError("the text is empty") { _ = try input.sample(of: "") }
        }
    }
}
