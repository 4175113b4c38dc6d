import SomaGraph

/// The activation function of a transformer's feed-forward part.
public enum FeedForwardActivation: Sendable {
    /// max(x, 0).
    case relu
    /// x Φ(x), exactly.
    case gelu
    /// x Φ(x) by an approximation with the hyperbolic tangent, as in GPT-2.
    case geluTanh

    /// The function of each element, of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .relu: Soma.relu(x)
        case .gelu: Soma.gelu(x)
        case .geluTanh: Soma.geluTanh(x)
        }
    }
}

/// A block of a transformer's encoder: self-attention A, and a feed-forward part F of two affine maps with an activation function between, each with
/// dropout, a residual connection and layer normalisation L. With the normalisation behind, as in the paper,
///
///     x ← L₁(x + A(x))
///     x ← L₂(x + F(x))
///
/// and with it before, which trains more steadily (R. Xiong et al., *On Layer Normalization in the Transformer Architecture*, ICML 2020),
///
///     x ← x + A(L₁(x))
///     x ← x + F(L₂(x))
///
/// With a causal mask it is a block of a decoder alone, as of GPT.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017. `TransformerEncoderLayer` in PyTorch with `batch_first=True`, with its names of
/// parameters.
public struct TransformerEncoderLayer: Layer, CustomReflectable {
    /// A.
    public let attention: MultiHeadAttention
    /// The maps of F: to the hidden features, and back.
    public let linear1, linear2: Linear
    /// L₁ and L₂.
    public let norm1, norm2: LayerNorm
    /// Whether normalisation comes before each part and not behind it.
    public let isNormFirst: Bool
    private let feedForward: FeedForward

    /// The defaults are PyTorch's. Traps where the heads do not divide the features, a number is not positive or the rate not in 0 ..< 1.
    /// - Parameters:
    ///   - width: the features of a place.
    ///   - heads: of attention.
    ///   - hidden: the features within F.
    ///   - dropout: the rate for weights of attention, for what A and F add, and for what is within F.
    ///   - activation: of F.
    ///   - isNormFirst: whether normalisation comes before each part.
    ///   - epsilon: that of the normalisations.
    ///   - hasBias: whether affine maps and normalisations add biases.
    public init(
        width: Int, heads: Int, hidden: Int = 2048, dropout: Double = 0.1, activation: FeedForwardActivation = .relu, isNormFirst: Bool = false,
        epsilon: Double = 1e-5, hasBias: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        attention = MultiHeadAttention(width: width, heads: heads, dropout: dropout, hasBias: hasBias, device: device, file: file, line: line)
        linear1 = Linear(from: width, to: hidden, hasBias: hasBias, device: device, file: file, line: line)
        linear2 = Linear(from: hidden, to: width, hasBias: hasBias, device: device, file: file, line: line)
        norm1 = LayerNorm(width, epsilon: epsilon, hasBias: hasBias, device: device)
        norm2 = LayerNorm(width, epsilon: epsilon, hasBias: hasBias, device: device)
        feedForward = FeedForward(activation: activation, dropout: Dropout(rate: dropout))
        self.isNormFirst = isNormFirst
    }

    /// Each place attends to all: [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor { self(x, mask: .none) }

    /// Each place attends to those that the mask lets it see: [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor, mask: AttentionMask) -> Tensor {
        let attended = residual(x, norm1, isNormFirst) { feedForward.dropout(attention($0, mask: mask)) }
        return tapped(residual(attended, norm2, isNormFirst) { feedForward($0, linear1, linear2) })
    }

    /// Names as PyTorch's state_dict has them: `self_attn.in_proj_weight`, …, `linear1.weight`, …, `norm2.bias`.
    public var customMirror: Mirror {
        Mirror(self, children: ["self_attn": attention, "linear1": linear1, "linear2": linear2, "norm1": norm1, "norm2": norm2])
    }
}

/// What a part adds to x, with the normalisation before the part or behind the sum.
func residual(_ x: Tensor, _ norm: LayerNorm, _ isNormFirst: Bool, _ part: (Tensor) -> Tensor) -> Tensor {
    isNormFirst ? x + part(norm(x)) : norm(x + part(x))
}

/// Two affine maps with an activation function and dropout between, and dropout behind.
struct FeedForward: Sendable {
    let activation: FeedForwardActivation
    let dropout: Dropout

    func callAsFunction(_ x: Tensor, _ first: Linear, _ second: Linear) -> Tensor { dropout(second(dropout(activation(first(x))))) }
}
