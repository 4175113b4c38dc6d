import SomaGraph

/// Attention of several heads: queries, keys and values are affine maps of the features, each head attends with its share of them, and an affine map
/// joins what the heads give.
///
/// A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017. `MultiheadAttention` in PyTorch with `batch_first=True`, with its names of
/// parameters.
public struct MultiHeadAttention: Layer, CustomReflectable {
    /// The maps to queries, keys and values, one below the other: [3 · width, width].
    public let inputWeight: Parameter
    /// What is added to these: [3 · width].
    public let inputBias: Parameter?
    /// From what the heads give, side by side, to the result.
    public let output: Linear
    /// The features of a place.
    public let width: Int
    /// How many heads there are.
    public let heads: Int
    private let dropout: Double

    /// First values are drawn as in PyTorch: weights of the joined map by Glorot's rule, those of the output uniform on ±1/√width, biases 0. Traps
    /// where the heads do not divide the features or the rate is not in 0 ..< 1.
    /// - Parameters:
    ///   - width: the features of a place.
    ///   - heads: each takes width / heads of them.
    ///   - dropout: the probability that a weight of attention is dropped in training.
    ///   - hasBias: whether the maps add biases.
    public init(
        width: Int, heads: Int, dropout: Double = 0, hasBias: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard heads > 0, width > 0, width % heads == 0 else {
            programError("MultiHeadAttention", "\(heads) heads do not divide \(width) features", file: file, line: line)
        }
        guard (0..<1).contains(dropout) else { programError("MultiHeadAttention", "a dropout rate of \(dropout)", file: file, line: line) }
        inputWeight = Parameter(Initializer.glorot()(shape: [3 * width, width], device: device))
        inputBias = hasBias ? Parameter(.zeros([3 * width], device: device)) : nil
        output = Linear(from: width, to: width, hasBias: hasBias, bias: .zeros, device: device)
        (self.width, self.heads, self.dropout) = (width, heads, dropout)
    }

    /// Each place attends to all: [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor) -> Tensor { self(x, mask: .none) }

    /// Each place attends to those that the mask lets it see: [N, T, width] of x [N, T, width].
    public func callAsFunction(_ x: Tensor, mask: AttentionMask) -> Tensor {
        named(by: inputWeight) {
            let (query, key, value) = projected(x)
            return attended(query: query, key: key, value: value, mask: mask)
        }
    }

    /// Places of x [N, T, width] attend to those of a context [N, S, width], such as the output of an encoder: [N, T, width].
    public func callAsFunction(_ x: Tensor, over context: Tensor, mask: AttentionMask = .none) -> Tensor {
        named(by: inputWeight) {
            let query = mapped(x, 0..<width).splitIntoHeads(heads)
            let parts = mapped(context, width..<3 * width).split(into: 2, alongAxis: 2).map { $0.splitIntoHeads(heads) }
            return attended(query: query, key: parts[0], value: parts[1], mask: mask)
        }
    }

    /// Queries, keys and values of x [N, T, width], by one product: [N, heads, T, width / heads] each. Keys and values of earlier places can be put
    /// before these, along axis 2, and handed to `attended`.
    public func projected(_ x: Tensor) -> (query: Tensor, key: Tensor, value: Tensor) {
        let parts = mapped(x, 0..<3 * width).split(into: 3, alongAxis: 2).map { $0.splitIntoHeads(heads) }
        return (parts[0], parts[1], parts[2])
    }

    /// What queries [N, heads, T, d] make of keys and values [N, heads, S, d], joined: [N, T, width].
    public func attended(query: Tensor, key: Tensor, value: Tensor, mask: AttentionMask) -> Tensor {
        tapped(output(scaledDotProductAttention(query: query, key: key, value: value, mask: mask, dropout: dropout).joiningHeads()))
    }

    /// x by some rows of the joined map.
    private func mapped(_ x: Tensor, _ rows: Range<Int>) -> Tensor {
        guard x.rank == 3, x.shape[2] == width else { programError("MultiHeadAttention", "an input of \(x.shape) is not [N, T, \(width)]") }
        let isWhole = rows.count == 3 * width
        let product = matmul(x, (isWhole ? inputWeight.tensor : inputWeight.tensor[rows]).transposed())
        return inputBias.map { product + (isWhole ? $0.tensor : $0.tensor[rows]) } ?? product
    }

    /// Names as PyTorch's state_dict has them: `in_proj_weight`, `in_proj_bias`, `out_proj.weight`, `out_proj.bias`.
    public var customMirror: Mirror {
        Mirror(self, children: ["in_proj_weight": inputWeight, "in_proj_bias": inputBias as Any, "out_proj": output])
    }
}
