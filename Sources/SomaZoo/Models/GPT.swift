import Soma
import SomaGraph

/// The decoder of GPT-2: embeddings of tokens and of places, blocks of causal attention and a feed-forward part, each with layer normalisation before
/// it, and a head that is the embedding of the tokens again unless it is its own.
///
/// A. Radford et al., *Language Models are Unsupervised Multitask Learners*, 2019. Parameters are called as in `transformers`, without its
/// `transformer.`: `wte.weight`, `h.0.attn.c_attn.weight`; the weights of `c_attn`, `c_proj` and `c_fc`, which it keeps as [inputs, outputs], are
/// [outputs, inputs] here as of any affine map.
public struct GPT: TransformerModel, CustomReflectable {
    /// The extents and options of a network.
    public struct Configuration: Hashable, Sendable {
        /// How many tokens there are.
        public var vocabulary: Int
        /// The places of the longest text.
        public var context: Int
        /// How many blocks there are.
        public var layers: Int
        /// Of attention; they divide the width.
        public var heads: Int
        /// The features of a place.
        public var width: Int
        /// The features within the feed-forward part.
        public var hidden: Int
        /// The rate for embeddings, weights of attention and what each part adds.
        public var dropout: Double
        /// ε of the normalisations.
        public var epsilon: Double
        /// Whether the head is the embedding of the tokens.
        public var isTied: Bool
        /// Of the feed-forward part.
        public var activation: FeedForwardActivation

        /// GPT-2's options, with the extents named.
        /// - Parameter hidden: 4 · width unless named.
        public init(
            vocabulary: Int, context: Int, layers: Int, heads: Int, width: Int, hidden: Int? = nil, dropout: Double = 0.1, epsilon: Double = 1e-5,
            isTied: Bool = true, activation: FeedForwardActivation = .geluTanh
        ) {
            (self.vocabulary, self.context, self.layers, self.heads, self.width) = (vocabulary, context, layers, heads, width)
            (self.hidden, self.dropout, self.epsilon) = (hidden ?? 4 * width, dropout, epsilon)
            (self.isTied, self.activation) = (isTied, activation)
        }

        /// The smallest GPT-2: 124 million parameters.
        public static let gpt2 = Configuration(vocabulary: 50257, context: 1024, layers: 12, heads: 12, width: 768)
    }

    /// What it was made of.
    public let configuration: Configuration
    /// Of the tokens, [vocabulary, width].
    public let tokens: Embedding
    /// Of the places, [context, width].
    public let places: Embedding
    /// The blocks, the first applied first.
    public let blocks: [GPTBlock]
    /// Behind the last block.
    public let norm: LayerNorm
    /// From states to logits; nil where that is the embedding of the tokens.
    public let head: Linear?
    private let dropout: Dropout

    /// First values are GPT-2's: weights and embeddings normal with a standard deviation of 0.02, those whose results are added to the residual
    /// stream of 0.02 / √(2 · layers), biases 0. Traps where a number is not positive, the heads do not divide the width, or the rate is not in
    /// 0 ..< 1.
    public init(_ configuration: Configuration) {
        guard configuration.layers > 0 else { programError("GPT", "\(configuration.layers) layers") }
        let (width, normal) = (configuration.width, Initializer.normal(standardDeviation: 0.02))
        tokens = Embedding(count: configuration.vocabulary, size: width, weight: normal)
        places = Embedding(count: configuration.context, size: width, weight: normal)
        blocks = (0..<configuration.layers).map { _ in GPTBlock(configuration) }
        norm = LayerNorm(width, epsilon: configuration.epsilon)
        head = configuration.isTied ? nil : Linear(from: width, to: configuration.vocabulary, hasBias: false, weight: normal)
        (self.configuration, dropout) = (configuration, Dropout(rate: configuration.dropout))
    }

    /// How many tokens there are.
    public var vocabulary: Int { configuration.vocabulary }
    /// The places of the longest text.
    public var context: Int { configuration.context }

    /// What the last block gives, normalised: [N, T, width] of tokens, integers [N, T].
    public func states(of tokens: Tensor) -> Tensor {
        requireTokens(tokens, "GPT")
        let embedded = self.tokens(tokens) + places.weight.tensor[..<tokens.shape[1]]
        return norm(blocks.reduce(dropout(embedded)) { $1($0) })
    }

    /// The same of tokens that follow those of a cache.
    public func states(of tokens: Tensor, after cache: inout KeyValueCache) -> Tensor {
        requireTokens(tokens, "GPT")
        var x = self.tokens(tokens) + places(cache.places)
        for (index, block) in blocks.enumerated() { x = block(x, number: index, after: &cache) }
        return norm(x)
    }

    /// The heads of a block.
    public var cacheShape: KeyValueCache.Shape {
        .init(blocks: configuration.layers, heads: configuration.heads, headSize: configuration.width / configuration.heads)
    }

    /// Logits [..., vocabulary] of states [..., width].
    public func logits(of states: Tensor) -> Tensor { head?(states) ?? matmul(states, tokens.weight.tensor.transposed()) }

    /// Names as `transformers` has them below `transformer.`: `wte.weight`, `wpe.weight`, `h.0.ln_1.weight`, …, `ln_f.bias`, `lm_head.weight`.
    public var customMirror: Mirror {
        Mirror(self, children: ["wte": tokens, "wpe": places, "h": blocks, "ln_f": norm, "lm_head": head as Any])
    }
}

/// A block of a `GPT`: x ← x + A(L₁(x)), then x ← x + F(L₂(x)), with causal attention A, the feed-forward part F and layer normalisations L.
public struct GPTBlock: Layer, CustomReflectable {
    /// L₁ and L₂.
    public let norm1, norm2: LayerNorm
    /// A.
    public let attention: GPTAttention
    /// F.
    public let feedForward: GPTFeedForward

    init(_ configuration: GPT.Configuration) {
        norm1 = LayerNorm(configuration.width, epsilon: configuration.epsilon)
        norm2 = LayerNorm(configuration.width, epsilon: configuration.epsilon)
        (attention, feedForward) = (GPTAttention(configuration), GPTFeedForward(configuration))
    }

    /// [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let attended = x + attention(norm1(x))
        return tapped(attended + feedForward(norm2(attended)))
    }

    /// The same of places that follow those of a cache, in which this block has a number.
    func callAsFunction(_ x: Tensor, number: Int, after cache: inout KeyValueCache) -> Tensor {
        let (query, key, value) = attention.projected(norm1(x))
        let (keys, values) = cache.append(key, value, ofBlock: number)
        let attended = x + attention.attended(query: query, key: keys, value: values, mask: cache.mask)
        return attended + feedForward(norm2(attended))
    }

    /// `ln_1`, `attn`, `ln_2`, `mlp`.
    public var customMirror: Mirror { Mirror(self, children: ["ln_1": norm1, "attn": attention, "ln_2": norm2, "mlp": feedForward]) }
}

/// Causal self-attention of a `GPT`: one product for queries, keys and values.
public struct GPTAttention: Layer, CustomReflectable {
    /// To queries, keys and values, side by side: from width to 3 · width.
    public let input: Linear
    /// From what the heads give to what is added.
    public let output: Linear
    private let heads: Int
    private let dropout: Double

    init(_ configuration: GPT.Configuration) {
        let width = configuration.width
        guard configuration.heads > 0, width % configuration.heads == 0 else {
            programError("GPT", "\(configuration.heads) heads do not divide \(width) features")
        }
        input = Linear(from: width, to: 3 * width, weight: .normal(standardDeviation: 0.02), bias: .zeros)
        output = Linear(from: width, to: width, weight: configuration.residual, bias: .zeros)
        (heads, dropout) = (configuration.heads, configuration.dropout)
    }

    /// [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let (query, key, value) = projected(x)
        return attended(query: query, key: key, value: value)
    }

    /// Queries, keys and values of x [N, T, width]: [N, heads, T, width / heads] each.
    public func projected(_ x: Tensor) -> (query: Tensor, key: Tensor, value: Tensor) {
        let parts = input(x).split(into: 3, alongAxis: 2).map { $0.splitIntoHeads(heads) }
        return (parts[0], parts[1], parts[2])
    }

    /// What the last queries make of keys and values up to their places: [N, T, width] of queries [N, heads, T, d], keys and values [N, heads, S, d].
    /// - Parameter mask: which keys a query sees.
    public func attended(query: Tensor, key: Tensor, value: Tensor, mask: AttentionMask = .causal) -> Tensor {
        let joined = scaledDotProductAttention(query: query, key: key, value: value, mask: mask, dropout: dropout).joiningHeads()
        return tapped(Dropout(rate: dropout)(output(joined)))
    }

    /// `c_attn`, `c_proj`.
    public var customMirror: Mirror { Mirror(self, children: ["c_attn": input, "c_proj": output]) }
}

/// The feed-forward part of a `GPT`: two affine maps with an activation function between.
public struct GPTFeedForward: Layer, CustomReflectable {
    /// To the hidden features.
    public let input: Linear
    /// From these to what is added.
    public let output: Linear
    private let activation: FeedForwardActivation
    private let dropout: Dropout

    init(_ configuration: GPT.Configuration) {
        input = Linear(from: configuration.width, to: configuration.hidden, weight: .normal(standardDeviation: 0.02), bias: .zeros)
        output = Linear(from: configuration.hidden, to: configuration.width, weight: configuration.residual, bias: .zeros)
        (activation, dropout) = (configuration.activation, Dropout(rate: configuration.dropout))
    }

    /// Of the shape of x [..., width].
    public func callAsFunction(_ x: Tensor) -> Tensor { tapped(dropout(output(activation(input(x))))) }

    /// `c_fc`, `c_proj`.
    public var customMirror: Mirror { Mirror(self, children: ["c_fc": input, "c_proj": output]) }
}

extension GPT.Configuration {
    /// How weights are drawn whose results are added to the residual stream, so that it does not grow with the number of layers.
    fileprivate var residual: Initializer { .normal(standardDeviation: 0.02 / Double(2 * layers).squareRoot()) }
}
