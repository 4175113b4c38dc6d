import Soma
import SomaGraph

/// The decoder of Llama: blocks of causal attention with rotary positions and grouped queries, and a gated feed-forward part, each with
/// root-mean-square normalisation before it.
///
/// H. Touvron et al., *LLaMA: Open and Efficient Foundation Language Models*, 2023; A. Dubey et al., *The Llama 3 Herd of Models*, 2024. Parameters
/// have the names that `LlamaForCausalLM` of `transformers` gives them.
public struct Llama: TransformerModel, CustomReflectable {
    /// The extents and options of a network.
    public struct Configuration: Hashable, Sendable {
        /// How many tokens there are.
        public var vocabulary: Int
        /// The places of the longest text.
        public var context: Int
        /// How many blocks there are.
        public var layers: Int
        /// Of queries.
        public var heads: Int
        /// Of keys and values; they divide those of queries.
        public var keyHeads: Int
        /// The features of a place.
        public var width: Int
        /// The features of a head.
        public var headSize: Int
        /// The features within the feed-forward part.
        public var hidden: Int
        /// ε of the normalisations.
        public var epsilon: Double
        /// That of the rotary positions.
        public var base: Double
        /// How their angles are made smaller; nil for not at all.
        public var scaling: RotaryPositions.Scaling?
        /// Whether the head is the embedding of the tokens.
        public var isTied: Bool
        /// Whether the maps of attention add biases.
        public var hasAttentionBias: Bool
        /// Whether those of the feed-forward part do.
        public var hasFeedForwardBias: Bool

        /// Llama's options, with the extents named.
        /// - Parameters:
        ///   - keyHeads: as many as heads unless named.
        ///   - headSize: width / heads unless named.
        public init(
            vocabulary: Int, context: Int, layers: Int, heads: Int, keyHeads: Int? = nil, width: Int, headSize: Int? = nil, hidden: Int,
            epsilon: Double = 1e-5, base: Double = 10_000, scaling: RotaryPositions.Scaling? = nil, isTied: Bool = false,
            hasAttentionBias: Bool = false, hasFeedForwardBias: Bool = false
        ) {
            (self.vocabulary, self.context, self.layers, self.heads, self.width) = (vocabulary, context, layers, heads, width)
            (self.keyHeads, self.headSize, self.hidden) = (keyHeads ?? heads, headSize ?? width / max(1, heads), hidden)
            (self.epsilon, self.base, self.scaling, self.isTied) = (epsilon, base, scaling, isTied)
            (self.hasAttentionBias, self.hasFeedForwardBias) = (hasAttentionBias, hasFeedForwardBias)
        }
    }

    /// What it was made of.
    public let configuration: Configuration
    /// All but the head.
    public let body: LlamaBody
    /// From states to logits; nil where that is the embedding of the tokens.
    public let head: Linear?

    /// Weights and embeddings are normal with a standard deviation of 0.02 at first, biases 0. Traps where a number is not positive or heads do not
    /// divide what they share out.
    public init(_ configuration: Configuration) {
        body = LlamaBody(configuration)
        head = configuration.isTied
            ? nil : Linear(from: configuration.width, to: configuration.vocabulary, hasBias: false, weight: .normal(standardDeviation: 0.02))
        self.configuration = configuration
    }

    /// How many tokens there are.
    public var vocabulary: Int { configuration.vocabulary }
    /// The places of the longest text.
    public var context: Int { configuration.context }

    /// What the last block gives, normalised: [N, T, width] of tokens, integers [N, T].
    public func states(of tokens: Tensor) -> Tensor {
        requireTokens(tokens, "Llama")
        return body(tokens)
    }

    /// The same of tokens that follow those of a cache.
    public func states(of tokens: Tensor, after cache: inout KeyValueCache) -> Tensor {
        requireTokens(tokens, "Llama")
        return body(tokens, after: &cache)
    }

    /// The heads of keys and values of a block.
    public var cacheShape: KeyValueCache.Shape {
        .init(blocks: configuration.layers, heads: configuration.keyHeads, headSize: configuration.headSize)
    }

    /// Logits [..., vocabulary] of states [..., width].
    public func logits(of states: Tensor) -> Tensor { head?(states) ?? matmul(states, body.tokens.weight.tensor.transposed()) }

    /// `model`, `lm_head`.
    public var customMirror: Mirror { Mirror(self, children: ["model": body, "lm_head": head as Any]) }
}

/// All of a `Llama` but its head: from tokens [N, T] to states [N, T, width].
public struct LlamaBody: Layer, CustomReflectable {
    /// Of the tokens, [vocabulary, width].
    public let tokens: Embedding
    /// The blocks, the first applied first.
    public let blocks: [LlamaBlock]
    /// Behind the last block.
    public let norm: RMSNorm

    init(_ configuration: Llama.Configuration) {
        guard configuration.layers > 0 else { programError("Llama", "\(configuration.layers) layers") }
        tokens = Embedding(count: configuration.vocabulary, size: configuration.width, weight: .normal(standardDeviation: 0.02))
        let positions = RotaryPositions(
            size: configuration.headSize, atMost: configuration.context, base: configuration.base, scaling: configuration.scaling)
        blocks = (0..<configuration.layers).map { _ in LlamaBlock(configuration, positions) }
        norm = RMSNorm(configuration.width, epsilon: configuration.epsilon)
    }

    /// What the last block gives, normalised: [N, T, width].
    public func callAsFunction(_ tokens: Tensor) -> Tensor { tapped(norm(blocks.reduce(self.tokens(tokens)) { $1($0) })) }

    /// The same of tokens that follow those of a cache.
    func callAsFunction(_ tokens: Tensor, after cache: inout KeyValueCache) -> Tensor {
        // All blocks have the same positions.
        let angles = blocks[0].attention.positions?.angles(at: cache.places)
        var x = self.tokens(tokens)
        for (index, block) in blocks.enumerated() { x = block(x, number: index, angles, after: &cache) }
        return norm(x)
    }

    /// `embed_tokens`, `layers`, `norm`.
    public var customMirror: Mirror { Mirror(self, children: ["embed_tokens": tokens, "layers": blocks, "norm": norm]) }
}

/// A block of a `Llama`: x ← x + A(R₁(x)), then x ← x + F(R₂(x)), with causal attention A, the gated feed-forward part F and normalisations R.
public struct LlamaBlock: Layer, CustomReflectable {
    /// A.
    public let attention: GroupedQueryAttention
    /// F.
    public let feedForward: SwiGLU
    /// R₁ and R₂.
    public let norm1, norm2: RMSNorm

    init(_ configuration: Llama.Configuration, _ positions: RotaryPositions) {
        let normal = Initializer.normal(standardDeviation: 0.02)
        attention = GroupedQueryAttention(
            width: configuration.width, heads: configuration.heads, keyHeads: configuration.keyHeads, headSize: configuration.headSize,
            positions: positions, hasBias: configuration.hasAttentionBias, hasOutputBias: configuration.hasAttentionBias, weight: normal)
        feedForward = SwiGLU(width: configuration.width, hidden: configuration.hidden, hasBias: configuration.hasFeedForwardBias, weight: normal)
        norm1 = RMSNorm(configuration.width, epsilon: configuration.epsilon)
        norm2 = RMSNorm(configuration.width, epsilon: configuration.epsilon)
    }

    /// [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let attended = x + attention(norm1(x), mask: .causal)
        return tapped(attended + feedForward(norm2(attended)))
    }

    /// The same of places that follow those of a cache, in which this block has a number.
    func callAsFunction(_ x: Tensor, number: Int, _ angles: RotaryPositions.Angles?, after cache: inout KeyValueCache) -> Tensor {
        let (query, key, value) = attention.projected(norm1(x), by: angles)
        let (keys, values) = cache.append(key, value, ofBlock: number)
        let attended = x + attention.attended(query: query, key: keys, value: values, mask: cache.mask)
        return attended + feedForward(norm2(attended))
    }

    /// `self_attn`, `mlp`, `input_layernorm`, `post_attention_layernorm`.
    public var customMirror: Mirror {
        Mirror(self, children: ["self_attn": attention, "mlp": feedForward, "input_layernorm": norm1, "post_attention_layernorm": norm2])
    }
}
