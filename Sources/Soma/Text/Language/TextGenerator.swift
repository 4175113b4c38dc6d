import SomaGraph

/// Has a language model go on with a text, token by token.
///
/// ```swift
/// let generator = TextGenerator(model, tokenizer: tokenizer, temperature: 0.8)
/// let text = try generator.text(after: "ROMEO.\n", count: 200, seed: 7)
/// ```
///
/// The step is captured once and follows the parameters, so that a model can be asked again and again while it is trained.
public final class TextGenerator: Sendable {
    private let model: any LanguageModel
    private let tokenizer: any Tokenizer
    private let device: Device
    private let step: CompiledStep

    /// Traps where a number is out of range.
    /// - Parameters:
    ///   - temperature: what logits are divided by; at 0 the likeliest token is taken.
    ///   - topK: how many of the likeliest tokens may be drawn; nil for all.
    ///   - topP: only the likeliest tokens may be drawn, the fewest whose probabilities add up to it.
    public init(
        _ model: any LanguageModel, tokenizer: any Tokenizer, temperature: Double = 1, topK: Int? = nil, topP: Double = 1, device: Device = .current
    ) {
        (self.model, self.tokenizer, self.device) = (model, tokenizer, device)
        step = compiled { inputs in
            withDevice(device) {
                let (logits, next) = model(inputs[0].expandingDims(at: 1), from: Array(inputs.dropFirst()))
                let last = logits[.all, -1]
                let token = Tensor.randomCategorical(logits: last, temperature: temperature, topK: topK, topP: topP)
                return [Tensor.select(last.isFinite.all(alongAxes: -1), token, -1)] + next
            }
        }
    }

    /// A token to begin with where there is no text: a line break, or else the first of the vocabulary.
    public var opening: [Int32] {
        let line = (try? tokenizer.encode("\n")) ?? []
        return line.isEmpty ? [0] : line
    }

    /// Draws tokens one after the other.
    /// - Parameters:
    ///   - prompt: the tokens to go on from; none: `opening`.
    ///   - count: how many to draw.
    ///   - seed: decides the random numbers. The same prompt and seed give the same text on the same device.
    ///   - tell: called with each token as soon as it is drawn.
    /// - Throws: `SomaError` where a token of the prompt is none of the vocabulary, or where logits are not finite; what `tell` throws;
    ///   `BackendError`.
    public func draw(_ count: Int, after prompt: [Int32] = [], seed: UInt64, tell: (Int32) throws -> Void) throws {
        if let stranger = prompt.first(where: { !(0..<model.vocabularyCount).contains(Int($0)) }) { throw tokenizer.unknown(stranger, at: nil) }
        var read = prompt.isEmpty ? opening : prompt
        try withRandomGenerator(RandomGenerator(seed: seed)) {
            var state = try state(before: &read)
            for _ in 0..<count {
                if let limit = model.contextLength, read.count > limit { state = try self.state(before: &read) }
                let results = try withInference { try step([Tensor([read[read.count - 1]], device: device)] + state) }
                let token = try results[0].scalars(as: Int32.self)[0]
                guard token >= 0 else { throw SomaError("the model writes nothing: its weights give NaN or an infinity") }
                try tell(token)
                state = Array(results.dropFirst())
                read.append(token)
            }
        }
    }

    /// A text that goes on with `prompt`, which it does not repeat.
    /// - Throws: as `draw`, and where the prompt has what the tokenizer cannot tell.
    public func text(after prompt: String = "", count: Int, seed: UInt64) throws -> String {
        var (stream, text) = (TokenStream(tokenizer, leavingOutSpecial: true), "")
        try draw(count, after: tokenizer.encode(prompt, name: "the prompt"), seed: seed) { text += try stream.append($0) }
        return text + stream.finish()
    }

    /// The state before the last of the tokens, of which no more are kept than half of what the model looks back at where they are more than that.
    private func state(before tokens: inout [Int32]) throws -> [Tensor] {
        if let limit = model.contextLength, tokens.count > limit { tokens.removeFirst(tokens.count - max(1, limit / 2)) }
        let known = tokens.dropLast()
        return try withDevice(device) {
            try withInference {
                guard !known.isEmpty else { return model.initialState(count: 1) }
                let (_, state) = model(Tensor(Array(known), shape: [1, known.count], device: device), from: model.initialState(count: 1))
                try realizeAll(state)
                return state
            }
        }
    }
}
