import Soma

/// A language model of recurrent layers: a vector for each token, the layers, and a linear map to the logits of the next.
public struct RecurrentLanguageModel: LanguageModel {
    /// The kind of the recurrent layers.
    public enum Kind: Sendable {
        /// Long short-term memory.
        case lstm
        /// Gated recurrent units.
        case gru
    }

    private enum Layers: Sendable {
        case lstm(LSTM)
        case gru(GRU)
    }

    private let embedding: Embedding
    private let recurrent: Layers
    private let output: Linear
    public let vocabularyCount: Int

    /// All weights are drawn as PyTorch draws them.
    /// - Parameters:
    ///   - vocabularyCount: how many tokens there are.
    ///   - units: the features of a state, and of the vector of a token.
    ///   - layers: how many recurrent layers there are on one another.
    ///   - dropout: the share of the outputs between two layers that is dropped in training.
    public init(_ kind: Kind, vocabularyCount: Int, units: Int, layers: Int, dropout: Double = 0) {
        self.vocabularyCount = vocabularyCount
        embedding = Embedding(count: vocabularyCount, size: units)
        switch kind {
        case .lstm: recurrent = .lstm(LSTM(from: units, to: units, layers: layers, dropout: dropout))
        case .gru: recurrent = .gru(GRU(from: units, to: units, layers: layers, dropout: dropout))
        }
        output = Linear(from: units, to: vocabularyCount)
    }

    public func initialState(count: Int) -> [Tensor] {
        switch recurrent {
        case .lstm(let layer): Array(repeating: .zeros([layer.layers, count, layer.units]), count: 2)
        case .gru(let layer): [.zeros([layer.layers, count, layer.units])]
        }
    }

    public func callAsFunction(_ tokens: Tensor, from state: [Tensor]?) -> (logits: Tensor, state: [Tensor]) {
        let inputs = embedding(tokens)
        switch recurrent {
        case .lstm(let layer):
            let (outputs, next) = layer(inputs, from: state.map { LSTMState(h: $0[0], c: $0[1]) })
            return (output(outputs), [next.h, next.c])
        case .gru(let layer):
            let (outputs, next) = layer(inputs, from: state?[0])
            return (output(outputs), [next])
        }
    }
}
