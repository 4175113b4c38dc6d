import SomaGraph

/// What a model takes of a text: its tokens, at most `length` of them.
public struct TextInput: Sendable {
    /// Makes tokens of a text.
    public let tokenizer: any Tokenizer
    /// The most tokens of a sample.
    public let length: Int

    /// Texts of at most `length` tokens.
    public init(_ tokenizer: any Tokenizer, length: Int) {
        guard length > 0 else { programError("TextInput", "texts of \(length) tokens") }
        (self.tokenizer, self.length) = (tokenizer, length)
    }

    /// A sample: `length` values, the ids of the tokens and −1 behind the last. What is longer is cut at its end.
    /// - Parameter name: what an error calls the text.
    /// - Throws: `SomaError` where the text is empty or has what the tokenizer cannot tell, with the place.
    public func sample(of text: String, name: String = "the text") throws -> [Float] {
        let tokens = try tokenizer.encode(text, name: name).prefix(length)
        guard !tokens.isEmpty else { throw SomaError("\(name) is empty") }
        return tokens.map(Float.init) + Array(repeating: -1, count: length - tokens.count)
    }

    /// Samples [n, length] as tokens, int32 [n, length] with 0 behind the last, and their numbers, int32 [n].
    public static func tokens(of samples: Tensor) -> (tokens: Tensor, counts: Tensor) {
        (maximum(samples, 0).as(.int32), (samples .>= 0).as(.int32).sum(alongAxes: 1))
    }
}

/// The logits of the token that follows on each text, [n, vocabulary], of samples as `TextInput` makes them. Its names are the model's.
struct FollowingToken: Layer, CustomReflectable {
    let model: any LanguageModel

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (tokens, counts) = TextInput.tokens(of: x)
        let logits = model(tokens, from: nil).logits.reshaped(to: [x.shape[0] * x.shape[1], model.vocabularyCount])
        return logits.gathered(atIndices: Tensor.range(x.shape[0], device: x.device) * x.shape[1] + counts - 1)
    }

    var customMirror: Mirror { Mirror(self, children: Mirror(reflecting: model).children) }
}

extension Session {
    /// A session of a language model, which answers with the probabilities of the token that follows on a text.
    /// - Parameters:
    ///   - length: the most tokens of a text that is asked about; how much `textGenerator` writes has no limit.
    ///   - measured: what texts measure the model by; nil: `LanguageMeasure`.
    public init(
        _ model: any LanguageModel, tokenizer: any Tokenizer, length: Int, measured: (any Measured)? = nil, device: Device = .current
    ) {
        self.init(
            FollowingToken(model: model), input: .text(TextInput(tokenizer, length: length)), answer: .token(tokenizer),
            measured: measured ?? LanguageMeasure(model, tokenizer: tokenizer), device: device)
    }

    /// What goes on with texts; nil where the session is of no language model.
    /// - Parameters: as those of `TextGenerator`.
    public func textGenerator(temperature: Double = 1, topK: Int? = nil, topP: Double = 1) -> TextGenerator? {
        guard case .token(let tokenizer) = answer, case .network(let network) = model, let following = network as? FollowingToken else { return nil }
        return TextGenerator(following.model, tokenizer: tokenizer, temperature: temperature, topK: topK, topP: topP, device: device)
    }
}
