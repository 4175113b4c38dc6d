import SomaGraph

/// A model of texts: for each token the logits of the one that follows, and a state from which a text goes on.
///
/// ```swift
/// struct Letters: LanguageModel {
///     let vocabularyCount = 65
///     let embedding = Embedding(count: 65, size: 32)
///     let recurrent = GRU(from: 32, to: 64)
///     let output = Linear(from: 64, to: 65)
///
///     func initialState(count: Int) -> [Tensor] { [.zeros([1, count, 64])] }
///
///     func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
///         let (outputs, next) = recurrent(embedding(tokens), from: state?[0])
///         return (output(outputs), [next])
///     }
/// }
/// ```
public protocol LanguageModel: Module {
    /// How many tokens there are.
    var vocabularyCount: Int { get }

    /// How many tokens a state can be carried over; nil: any number, as with a recurrent network.
    ///
    /// A model that looks back at a window of so many tokens is trained on texts by themselves, and nothing is carried from batch to batch.
    var contextLength: Int? { get }

    /// The state before the first token of `count` texts. The texts are axis 1 of each tensor.
    func initialState(count: Int) -> [Tensor]

    /// The logits of the token that follows each.
    /// - Parameters:
    ///   - tokens: integers [N, T].
    ///   - state: before the first of them; nil for the initial one.
    /// - Returns: logits [N, T, `vocabularyCount`], and the state after the last token.
    func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor])
}

extension LanguageModel {
    public var contextLength: Int? { nil }
}
