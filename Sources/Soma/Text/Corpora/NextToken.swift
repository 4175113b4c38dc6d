import SomaGraph

/// The prediction of the token that follows, by logits: the mean cross-entropy over all tokens is minimised, and `loss`, `perplexity` and, with a
/// tokenizer, `bits_per_character` are measured.
public struct NextToken<Model: Layer>: Objective {
    /// From tokens, int32 [n, T], to logits [n, T, vocabulary].
    public let model: Model
    /// The field that the model takes.
    public let tokens: String
    /// The field that holds the tokens that follow.
    public let targets: String
    private let lengths: [Int32]?

    /// The loss is `crossEntropy` of the model's logits.
    /// - Parameters:
    ///   - model: from tokens [n, T] to logits [n, T, vocabulary].
    ///   - tokens: the name of the field that the model takes.
    ///   - targets: the name of the field that holds the tokens that follow.
    ///   - tokenizer: tells how many characters a token stands for; nil: bits per character are not measured.
    public init(_ model: Model, tokens: String = "tokens", targets: String = "targets", tokenizer: (any Tokenizer)? = nil) {
        (self.model, self.tokens, self.targets) = (model, tokens, targets)
        lengths = tokenizer?.characterCounts
    }

    public func loss(_ batch: Minibatch) -> Tensor { crossEntropy(model(batch[tokens]), batch[targets]) }

    public func metrics(_ batch: Minibatch) -> [Metric] {
        let targets = batch[targets]
        return [.language(crossEntropy(model(batch[tokens]), targets, reduction: .none), targets: targets, characterCounts: lengths)]
    }

    /// The lowest `loss`.
    public var criterion: Criterion? { .lowest("loss") }
}
