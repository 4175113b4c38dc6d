import Soma
import SomaGraph

/// A network that tells for each place of a text what comes next: tokens, integers [N, T], to logits [N, T, vocabulary].
///
/// As a `LanguageModel` it goes on with a text token by token: its state is the keys and values of the tokens so far, so that none is computed twice.
public protocol TransformerModel: Layer, LanguageModel {
    /// How many tokens there are.
    var vocabulary: Int { get }
    /// The places of the longest text.
    var context: Int { get }
    /// What the last block gives, normalised: [N, T, width] of tokens [N, T].
    func states(of tokens: Tensor) -> Tensor
    /// What a block keeps of each token, in all blocks alike.
    var cacheShape: KeyValueCache.Shape { get }
    /// The same of tokens that follow those whose keys and values a cache holds, which then holds theirs too.
    func states(of tokens: Tensor, after cache: inout KeyValueCache) -> Tensor
    /// Logits [..., vocabulary] of states [..., width].
    func logits(of states: Tensor) -> Tensor
}

extension TransformerModel {
    /// The logits [N, T, vocabulary] of tokens [N, T]: at each place those of what comes behind it. Traps where there are more places than the model
    /// has.
    public func callAsFunction(_ tokens: Tensor) -> Tensor { tapped(logits(of: states(of: tokens))) }

    /// `NextToken` of this network, whatever its type: the objective of training it.
    /// - Parameter tokenizer: tells how many characters a token stands for; nil: bits per character are not measured.
    public func nextToken(tokenizer: (any Tokenizer)? = nil) -> any Objective { NextToken(self, tokenizer: tokenizer) }

    /// Traps unless tokens are integers [N, T] with T in 1 ... context.
    func requireTokens(_ tokens: Tensor, _ operation: String) {
        guard tokens.rank == 2, tokens.dtype.isInteger, (1...context).contains(tokens.shape[1]) else {
            programError(operation, "tokens \(tokens.dtype) \(tokens.shape) are not integers [N, 1 ... \(context)]")
        }
    }
}
