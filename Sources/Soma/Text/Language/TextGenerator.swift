import SomaGraph
import Synchronization

/// Has a language model go on with a text, token by token.
///
/// ```swift
/// let generator = TextGenerator(model, tokenizer: tokenizer, temperature: 0.8)
/// let text = try generator.text(after: "ROMEO.\n", count: 200, seed: 7)
/// ```
///
/// Its steps are captured once and follow the parameters, so that a model can be asked again and again while it is trained. Several threads may ask
/// at a time; the memory of the longest texts, such as the keys and values of attention, is kept as long as the generator.
public final class TextGenerator: Sendable {
    private let model: any LanguageModel
    private let tokenizer: any Tokenizer
    private let device: Device
    private let choose: @Sendable (Tensor) -> Tensor
    /// Those that nobody uses just now.
    private let readers = Mutex<[TextReader]>([])

    /// Traps where a number is out of range.
    /// - Parameters:
    ///   - temperature: what logits are divided by; at 0 the likeliest token is taken.
    ///   - topK: how many of the likeliest tokens may be drawn; nil for all.
    ///   - topP: only the likeliest tokens may be drawn, the fewest whose probabilities add up to it.
    public init(
        _ model: any LanguageModel, tokenizer: any Tokenizer, temperature: Double = 1, topK: Int? = nil, topP: Double = 1, device: Device = .current
    ) {
        (self.model, self.tokenizer, self.device) = (model, tokenizer, device)
        choose = { logits in
            let token = Tensor.randomCategorical(logits: logits, temperature: temperature, topK: topK, topP: topP)
            return .select(logits.isFinite.all(alongAxes: -1), token, -1)
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
        let reader = readers.withLock { $0.popLast() } ?? TextReader(model, device: device, choose: choose)
        defer { readers.withLock { $0.append(reader) } }
        var read = kept(of: prompt.isEmpty ? opening : prompt)
        try withRandomGenerator(RandomGenerator(seed: seed)) {
            try reader.restart(with: read)
            for _ in 0..<count {
                if let limit = model.contextLength, read.count > limit {
                    read = kept(of: read)
                    try reader.restart(with: read)
                }
                let token = try reader.next(after: read[read.count - 1])
                guard token >= 0 else { throw SomaError("the model writes nothing: its weights give NaN or an infinity") }
                try tell(token)
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

    /// The tokens that a text begins anew with: where they are more than the model looks back at, the last one and before it half of what it looks
    /// back at.
    private func kept(of tokens: [Int32]) -> [Int32] {
        guard let limit = model.contextLength, tokens.count > limit else { return tokens }
        return tokens.suffix(min(limit, limit / 2 + 1))
    }
}
