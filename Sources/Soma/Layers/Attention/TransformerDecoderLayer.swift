import SomaGraph

/// A block of a transformer's decoder: self-attention, attention over what an encoder gave, and a feed-forward part, each with dropout, a residual
/// connection and layer normalisation, as in `TransformerEncoderLayer`.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017. `TransformerDecoderLayer` in PyTorch with `batch_first=True`, with its names of
/// parameters.
public struct TransformerDecoderLayer: Module, CustomReflectable {
    /// Of the places among themselves.
    public let attention: MultiHeadAttention
    /// Over the encoder's places.
    public let crossAttention: MultiHeadAttention
    /// The maps of the feed-forward part: to the hidden features, and back.
    public let linear1, linear2: Linear
    /// Those of the three parts, in order.
    public let norm1, norm2, norm3: LayerNorm
    /// Whether normalisation comes before each part and not behind it.
    public let isNormFirst: Bool
    private let feedForward: FeedForward

    /// The defaults are PyTorch's. Traps where the heads do not divide the features, a number is not positive or the rate not in 0 ..< 1.
    /// - Parameters:
    ///   - width: the features of a place, here and in the encoder.
    ///   - heads: of either attention.
    ///   - hidden: the features within the feed-forward part.
    ///   - dropout: the rate for weights of attention, for what each part adds, and for what is within the feed-forward part.
    ///   - activation: of the feed-forward part.
    ///   - isNormFirst: whether normalisation comes before each part.
    ///   - epsilon: that of the normalisations.
    ///   - hasBias: whether affine maps and normalisations add biases.
    public init(
        width: Int, heads: Int, hidden: Int = 2048, dropout: Double = 0.1, activation: FeedForwardActivation = .relu, isNormFirst: Bool = false,
        epsilon: Double = 1e-5, hasBias: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        func attention() -> MultiHeadAttention {
            MultiHeadAttention(width: width, heads: heads, dropout: dropout, hasBias: hasBias, device: device, file: file, line: line)
        }
        func norm() -> LayerNorm { LayerNorm(width, epsilon: epsilon, hasBias: hasBias, device: device) }
        (self.attention, crossAttention) = (attention(), attention())
        linear1 = Linear(from: width, to: hidden, hasBias: hasBias, device: device, file: file, line: line)
        linear2 = Linear(from: hidden, to: width, hasBias: hasBias, device: device, file: file, line: line)
        (norm1, norm2, norm3) = (norm(), norm(), norm())
        feedForward = FeedForward(activation: activation, dropout: Dropout(rate: dropout))
        self.isNormFirst = isNormFirst
    }

    /// [N, T, width] of x [N, T, width], where each place sees those up to its own and all of the encoder's [N, S, width].
    /// - Parameters:
    ///   - memory: what the encoder gave.
    ///   - mask: of the places among themselves.
    ///   - memoryMask: of the encoder's places.
    public func callAsFunction(_ x: Tensor, over memory: Tensor, mask: AttentionMask = .causal, memoryMask: AttentionMask = .none) -> Tensor {
        let attended = residual(x, norm1, isNormFirst) { feedForward.dropout(attention($0, mask: mask)) }
        let crossed = residual(attended, norm2, isNormFirst) { feedForward.dropout(crossAttention($0, over: memory, mask: memoryMask)) }
        return tapped(residual(crossed, norm3, isNormFirst) { feedForward($0, linear1, linear2) })
    }

    /// Names as PyTorch's state_dict has them: `self_attn.in_proj_weight`, …, `multihead_attn.in_proj_weight`, …, `linear1.weight`, …, `norm3.bias`.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "self_attn": attention, "multihead_attn": crossAttention, "linear1": linear1, "linear2": linear2, "norm1": norm1, "norm2": norm2,
                "norm3": norm3,
            ])
    }
}
