import Soma
import SomaGraph

extension OperationCase {
    /// Scaled dot-product attention as one operation.
    public static let attentions: [OperationCase] = [
        attention("attention", Attention(scale: 0.7), heads: 2, queries: 3, keys: 5, width: 4),
        attention("attention, causal", Attention(scale: 0.5, isCausal: true), heads: 2, queries: 5, keys: 5, width: 3),
        attention("attention, causal, behind a cache", Attention(scale: 0.5, isCausal: true), queries: 2, keys: 6, width: 4),
        attention("attention, more queries than keys", Attention(scale: 0.5, isCausal: true), queries: 6, keys: 4, width: 2),
        attention("attention, window", Attention(scale: 0.5, isCausal: true, window: 2), queries: 6, keys: 6, width: 2),
        attention("attention, grouped queries", Attention(scale: 0.5, isCausal: true), heads: 4, keyHeads: 2, queries: 6, keys: 6, width: 3),
        attention("attention, one feature of values", Attention(scale: 1), heads: 2, queries: 5, keys: 3, width: 3, valueWidth: 1),
        attention("attention of many blocks", Attention(scale: 0.2, isCausal: true), queries: 70, keys: 133, width: 5, isDifferentiable: false),
        OperationCase(
            "attention, bias", .sample([2, 2, 5, 3]), .sample([2, 2, 4, 3], seed: 1), .sample([2, 2, 4, 2], seed: 2), .sample([1, 2, 5, 4], seed: 3),
            terms: 8
        ) { x in
            Tensor.attention(
                x[0], x[1], x[2], AttentionOperands(Attention(scale: 0.5, hasBias: true), bias: x[3].repeated(to: [2, 2, 5, 4]))).output
        },
        OperationCase(
            "attention, lengths, one of 0", .sample([3, 1, 5, 3]), .sample([3, 1, 4, 3], seed: 1), .sample([3, 1, 4, 2], seed: 2),
            Value([3, 0, 4], shape: [3], dtype: .int32), terms: 8
        ) { x in Tensor.attention(x[0], x[1], x[2], AttentionOperands(Attention(scale: 0.5, hasLengths: true), lengths: x[3])).output },
        OperationCase("attention of a joined projection", .sample([2, 6, 12]), terms: 12) { x in
            func head(_ index: Int) -> Tensor { x[0].split(into: 3, alongAxis: 2)[index].reshaped(to: [2, 6, 2, 2]).transposed(1, 2) }
            let y = Tensor.attention(head(0), head(1), head(2), AttentionOperands(Attention(scale: 0.7, isCausal: true))).output
            return y.transposed(1, 2).reshaped(to: [2, 6, 4])
        },
        OperationCase("attention and its logarithms", .sample([1, 2, 5, 3]), .sample([1, 2, 4, 3], seed: 1), .sample([1, 2, 4, 3], seed: 2), terms: 8) { x in
            let (output, logarithms) = Tensor.attention(x[0], x[1], x[2], AttentionOperands(Attention(scale: 0.5)))
            return output * logarithms.expandingDims(at: 3)
        },
        OperationCase(
            "causal attention with grouped queries, a window and lengths", .sample([3, 4, 2, 3]), .sample([3, 2, 5, 3], seed: 1),
            .sample([3, 2, 5, 3], seed: 2), Value([5, 0, 4], dtype: .int32), terms: 15
        ) { x in
            scaledDotProductAttention(query: x[0], key: x[1], value: x[2], mask: AttentionMask(isCausal: true, window: 3, lengths: x[3]))
        },
        OperationCase(
            "causal attention with a bias and fewer keys than queries", .sample([1, 2, 4, 3]), .sample([1, 1, 3, 3], seed: 1),
            .sample([1, 1, 3, 3], seed: 2), .sample([2, 1, 3], seed: 3), terms: 9
        ) { x in
            scaledDotProductAttention(query: x[0], key: x[1], value: x[2], mask: AttentionMask(isCausal: true, bias: x[3]), scale: 0.7)
        },
    ]

    private static func attention(
        _ name: String, _ attention: Attention, heads: Int = 1, keyHeads: Int? = nil, queries: Int, keys: Int, width: Int, valueWidth: Int? = nil,
        isDifferentiable: Bool = true
    ) -> OperationCase {
        OperationCase(
            name, .sample([2, heads, queries, width]), .sample([2, keyHeads ?? heads, keys, width], seed: 1),
            .sample([2, keyHeads ?? heads, keys, valueWidth ?? width], seed: 2), differentiable: isDifferentiable, terms: keys + width
        ) { x in Tensor.attention(x[0], x[1], x[2], AttentionOperands(attention)).output }
    }
}
