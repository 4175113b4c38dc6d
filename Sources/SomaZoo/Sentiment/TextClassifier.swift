import Soma

/// Tells the class of a text: a vector for each token, what a recurrent layer makes of these, and a linear map to the logits.
public struct TextClassifier: Layer {
    /// What reads the vectors of the tokens.
    public enum Kind: String, SettingChoice {
        /// Long short-term memory, of which the last state counts.
        case lstm
        /// Gated recurrent units, of which the last state counts.
        case gru
        /// Their mean: no order of words.
        case bag
    }

    private enum Reader: Sendable {
        case lstm(LSTM)
        case gru(GRU)
        case bag
    }

    private let embedding: Embedding
    private let reader: Reader
    private let dropout: Dropout
    private let output: Linear

    /// All weights are drawn as PyTorch draws them.
    /// - Parameters:
    ///   - vocabularyCount: how many tokens there are.
    ///   - units: the features of a token's vector, and of a state.
    ///   - dropout: the share of the features of a text dropped in training.
    public init(_ kind: Kind, vocabularyCount: Int, units: Int, classes: Int, dropout: Double) {
        embedding = Embedding(count: vocabularyCount, size: units)
        switch kind {
        case .lstm: reader = .lstm(LSTM(from: units, to: units))
        case .gru: reader = .gru(GRU(from: units, to: units))
        case .bag: reader = .bag
        }
        self.dropout = Dropout(rate: dropout)
        output = Linear(from: units, to: classes)
    }

    /// From samples [n, length], as `TextInput` makes them, to logits [n, classes].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let (tokens, counts) = TextInput.tokens(of: x)
        let (vectors, lengths) = (embedding(tokens), maximum(counts, 1))
        let features: Tensor
        switch reader {
        case .lstm(let layer): features = layer(vectors, lengths: lengths).state.h[-1]
        case .gru(let layer): features = layer(vectors, lengths: lengths).state[-1]
        case .bag:
            let isOwn = (x .>= 0).as(.float32).expandingDims(at: 2)
            features = (vectors * isOwn).sum(alongAxes: 1) / lengths.as(.float32).expandingDims(at: 1)
        }
        return output(dropout(features))
    }
}
