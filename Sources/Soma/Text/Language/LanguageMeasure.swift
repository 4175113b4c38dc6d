import SomaGraph

/// What a language model is measured by: `loss`, `perplexity` and `bits_per_character` (`Metric.language`).
///
/// On `TextStreams` of one of the given numbers of streams the state is carried through the text, and else each sample is a text by itself.
public struct LanguageMeasure: Measured {
    private let model: any LanguageModel
    private let characterCounts: [Int32]
    private let carried: [CarriedState]

    /// Measures a model on texts of a tokenizer's.
    /// - Parameter streams: the numbers of streams by which the state is carried; a model with a `contextLength` carries none.
    public init(_ model: any LanguageModel, tokenizer: any Tokenizer, streams: [Int] = []) {
        (self.model, characterCounts) = (model, tokenizer.characterCounts)
        carried = model.contextLength == nil ? streams.map { CarriedState(model, count: $0) } : []
    }

    public func metrics(_ batch: Minibatch) -> [Metric] {
        let losses = crossEntropy(logits(batch), batch["targets"], reduction: .none)
        return [.language(losses, targets: batch["targets"], characterCounts: characterCounts)]
    }

    private func logits(_ batch: Minibatch) -> Tensor {
        if batch.names.contains("starts"), let carried = carried.first(where: { $0.count == batch.count }) {
            return carried.logits(batch["tokens"], starts: batch["starts"])
        }
        return model(batch["tokens"], from: nil).logits
    }

    /// The lowest `loss`.
    public var criterion: Criterion? { .lowest("loss") }
}
