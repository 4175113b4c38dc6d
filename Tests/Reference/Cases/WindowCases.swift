import Soma
import SomaGraph

extension OperationCase {
    static let windows: [OperationCase] = [
        OperationCase("windows", .sample([7])) { $0[0].windows(alongAxis: 0, size: 3) * 2 },
        OperationCase("windows, step 2", .sample([2, 5, 2])) { $0[0].windows(alongAxis: 1, size: 2, step: 2) * 2 },
        OperationCase("windows, dilated", .sample([2, 9])) { $0[0].windows(alongAxis: 1, size: 3, step: 2, dilation: 2) * 2 },
        OperationCase("windows of one", .sample([5])) { $0[0].windows(alongAxis: 0, size: 1, step: 3) * 2 },
        OperationCase("windows of windows", .sample([1, 4, 5])) {
            $0[0].windows(alongAxis: 1, size: 3).windows(alongAxis: 2, size: 2, step: 2).permuted(axes: [0, 3, 4, 1, 2]).contiguous()
        },
        OperationCase("windows of an expression", .sample([8])) { exp($0[0]).windows(alongAxis: 0, size: 4, step: 3) },
        OperationCase("greatest of windows", .sample([2, 2, 6])) {
            $0[0].windows(alongAxis: 2, size: 2, step: 2).max(alongAxes: -1)
        },
        OperationCase("sum of windows", .sample([3, 7])) { $0[0].windows(alongAxis: 1, size: 4).sum(alongAxes: -1) },
        OperationCase("windows of a padded tensor, as many as its elements", .sample([1, 1, 4, 3])) {
            $0[0].padded([(0, 0), (0, 0), (1, 1), (0, 1)]).windows(alongAxis: 2, size: 2, dilation: 2).windows(alongAxis: 3, size: 2) * 2
        },
        OperationCase("windows of nothing", .sample([0, 5])) { $0[0].windows(alongAxis: 1, size: 2) * 2 },
        OperationCase("windows of int32", .sample([6], in: -9...9, dtype: .int32)) { $0[0].windows(alongAxis: 0, size: 3) + 1 },
        OperationCase("fold", .sample([5, 3])) { $0[0].folded(alongAxis: 0, extent: 7) },
        OperationCase("fold, step 2", .sample([1, 3, 2, 3])) { $0[0].folded(alongAxis: 1, extent: 8, step: 2) },
        OperationCase("fold, step beyond the window", .sample([3, 2])) { $0[0].folded(alongAxis: 0, extent: 9, step: 3) },
        OperationCase("fold, dilated", .sample([2, 3, 3])) { $0[0].folded(alongAxis: 1, extent: 9, step: 2, dilation: 2) },
        OperationCase("fold of one", .sample([2, 1])) { $0[0].folded(alongAxis: 0, extent: 4, step: 3) },
        OperationCase("fold of a permuted tensor", .sample([3, 2, 5])) {
            $0[0].permuted(axes: [1, 2, 0]).folded(alongAxis: 1, extent: 7)
        },
        OperationCase("fold of nothing", .sample([0, 4, 2])) { $0[0].folded(alongAxis: 1, extent: 5) },
    ]
}

extension OperationCase {
    /// Convolutions and pooling, and what stands around them; those that no step for images takes part in say so.
    public static let convolutions: [OperationCase] = windowEdges + [
        OperationCase("convolution", .sample([2, 2, 3, 4]), .sample([3, 2, 2, 3], seed: 1), terms: 12) { convolution($0[0], $0[1]) },
        OperationCase("convolution, stride 2, padded", .sample([1, 2, 4, 3]), .sample([2, 2, 3, 2], seed: 1), terms: 12) {
            convolution($0[0], $0[1], stride: [2], padding: .all(1))
        },
        OperationCase("convolution, dilated groups", .sample([1, 4, 4, 3]), .sample([2, 2, 2, 2], seed: 1), terms: 8) {
            convolution($0[0], $0[1], padding: .same, dilation: [2, 1], groups: 2)
        },
        OperationCase("depthwise convolution", .sample([1, 2, 3, 4]), .sample([4, 1, 2, 3], seed: 1), terms: 6) {
            convolution($0[0], $0[1], padding: .all(1), groups: 2)
        },
        OperationCase("convolution in one dimension", .sample([2, 2, 6]), .sample([2, 2, 3], seed: 1), terms: 6) {
            convolution($0[0], $0[1], stride: [2], padding: .all(2))
        },
        OperationCase("convolution of many channels", .sample([1, 17, 9, 10]), .sample([33, 17, 3, 3], seed: 1), differentiable: false, terms: 153) {
            convolution($0[0], $0[1], padding: .all(1))
        },
        // Filters as small as initialisers make them: the errors of Winograd's tiles are relative to the largest terms, not to a sum in which they cancel.
        OperationCase(
            "convolution of many channels and tiles", .sample([3, 17, 9, 10]), .sample([33, 17, 3, 3], in: -0.25...0.25, seed: 1),
            differentiable: false, terms: 153
        ) { convolution($0[0], $0[1], padding: .all(1)) },
        OperationCase(
            "convolution of few channels, turned", .sample([2, 7, 6, 2]), .sample([5, 2, 3, 2], seed: 1), differentiable: false, terms: 12
        ) {
            convolution($0[0].permuted(axes: [0, 3, 2, 1]), $0[1], stride: [2, 1], padding: .all(1))
        },
        OperationCase("convolution of a reversed row", .sample([2, 1, 9]), .sample([3, 1, 4], seed: 1), terms: 4) {
            convolution($0[0][0..., 0..., stride(from: 8, through: 1, by: -1)], $0[1], stride: [2])
        },
        OperationCase(
            "convolution of a grey image, cut out and copied", .sample([3, 1, 6, 7]), .sample([2, 1, 3, 2], seed: 1), differentiable: false, terms: 6
        ) {
            convolution($0[0][0..., 0..., 1..<6, 2..<7].contiguous(), $0[1], padding: .all(1))
        },
        OperationCase("convolution of grey rows, copied to another shape", .sample([4, 9]), .sample([3, 1, 2], seed: 1), differentiable: false, terms: 2) {
            convolution($0[0].transposed(0, 1).contiguous().reshaped(to: [9, 1, 4]), $0[1])
        },
        OperationCase("convolution of nothing", .sample([0, 2, 5, 5]), .sample([3, 2, 3, 3], seed: 1)) { convolution($0[0], $0[1]) },
        OperationCase("convolution with a bias and tanh", .sample([1, 2, 3, 3]), .sample([2, 2, 2, 2], seed: 1), .sample([2], seed: 2), terms: 8) {
            tanh(convolution($0[0], $0[1]) + $0[2].reshaped(to: [2, 1, 1]))
        },
        OperationCase("transposed convolution", .sample([1, 2, 2, 3]), .sample([2, 2, 3, 2], seed: 1), terms: 12) {
            transposedConvolution($0[0], $0[1], stride: [2], padding: [1], outputPadding: [1])
        },
        OperationCase("transposed convolution, padding of each axis", .sample([1, 2, 3, 2]), .sample([2, 1, 3, 4], seed: 1), terms: 12) {
            transposedConvolution($0[0], $0[1], stride: [1, 2], padding: [0, 1])
        },
        OperationCase("max pooling", .sample([1, 2, 5, 4])) { $0[0].maxPooled(PoolingWindow(size: [2])) },
        OperationCase("max pooling, overlapping and padded", .sample([1, 1, 5, 6])) {
            $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1], isCeiling: true))
        },
        OperationCase("max pooling, dilated", .sample([1, 2, 7, 6])) {
            $0[0].maxPooled(PoolingWindow(size: [3, 2], stride: [1, 2], padding: [2, 1], dilation: [2, 3]))
        },
        OperationCase("average pooling, dilated", .sample([2, 1, 5, 7])) {
            $0[0].averagePooled(PoolingWindow(size: [2, 3], stride: [2], dilation: [1, 2], isCeiling: true))
        },
        OperationCase("adaptive max pooling", .sample([1, 2, 4, 5])) { $0[0].adaptiveMaxPooled(to: [2, 3]) },
        OperationCase("adaptive max pooling of one axis, to more outputs", .sample([2, 2, 3])) { $0[0].adaptiveMaxPooled(to: [5]) },
        OperationCase("global max pooling", .sample([2, 3, 3, 2])) { $0[0].adaptiveMaxPooled(to: [1, 1]) },
        OperationCase("adaptive max pooling of equal elements", Value([1, 1, 0, 1, 1, 1], shape: [1, 1, 2, 3]), differentiable: false) {
            gradient(of: $0[0].adaptiveMaxPooled(to: [1, 2]).sum(), withRespectTo: $0[0])
        },
        OperationCase("average pooling", .sample([1, 2, 6, 2])) { $0[0].averagePooled(PoolingWindow(size: [3, 2])) },
        OperationCase("average pooling without padding", .sample([1, 1, 4, 5])) {
            $0[0].averagePooled(PoolingWindow(size: [3], stride: [2], padding: [1]), countsPadding: false)
        },
        OperationCase("adaptive average pooling, without a step", .sample([1, 2, 4, 5])) { $0[0].adaptiveAveragePooled(to: [2, 3]) },
        OperationCase("global average pooling, without a step", .sample([1, 3, 2, 3])) { $0[0].adaptiveAveragePooled(to: [1, 1]) },
        OperationCase("convolution in three dimensions, without a step", .sample([1, 1, 2, 3, 2]), .sample([1, 1, 2, 2, 1], seed: 1), terms: 4) {
            convolution($0[0], $0[1])
        },
        OperationCase("convolutions, one after the other", .sample([2, 2, 3, 3]), .sample([3, 2, 2, 2], seed: 1), .sample([2, 3, 1, 1], seed: 2), terms: 24) {
            convolution(tanh(convolution($0[0], $0[1])), $0[2])
        },
        OperationCase("convolution beside its input", .sample([2, 2, 2, 3]), .sample([2, 2, 3, 3], seed: 1), terms: 18) {
            convolution($0[0], $0[1], padding: .same) * 0.25 + $0[0]
        },
        OperationCase("means and deviations of a convolution's channels", .sample([2, 1, 3, 3]), .sample([3, 1, 2, 2], seed: 1), terms: 32) {
            let y = convolution($0[0], $0[1])
            let centred = y - y.mean(alongAxes: 0, 2, 3, keepingDims: true)
            return centred * rsqrt((centred * centred).mean(alongAxes: 0, 2, 3, keepingDims: true) + 0.1)
        },
        OperationCase("convolution, flattened", .sample([2, 1, 3, 3]), .sample([3, 1, 2, 2], seed: 1), .sample([12, 2], seed: 2), terms: 48) {
            matmul(sigmoid(convolution($0[0], $0[1])).reshaped(to: [2, 12]), $0[2])
        },
        OperationCase("convolutions side by side", .sample([2, 2, 2, 2]), .sample([3, 2, 1, 1], seed: 1), .sample([1, 2, 1, 1], seed: 2), terms: 2) {
            Tensor(concatenating: [convolution($0[0], $0[1]), convolution($0[0], $0[2])], alongAxis: 1) * 0.5
        },
        OperationCase("convolution, pooled", .sample([2, 1, 5, 5]), .sample([2, 1, 2, 2], seed: 1), terms: 16) {
            tanh(convolution($0[0], $0[1])).maxPooled(PoolingWindow(size: [2])).averagePooled(PoolingWindow(size: [2]))
        },
        OperationCase("convolution of a slice, padded afterwards", .sample([3, 2, 3, 4]), .sample([2, 2, 2, 2], seed: 1), terms: 8) {
            convolution($0[0][1..<3, 0..., 0..., 1..<4], $0[1]).padded([(0, 0), (0, 1), (1, 0), (0, 0)])
        },
        OperationCase("convolution with a filter that is computed", .sample([1, 2, 3, 3]), .sample([2, 2, 2, 2], seed: 1), terms: 8) {
            convolution($0[0], ($0[1] * 0.5).permuted(axes: [1, 0, 2, 3]))
        },
        OperationCase("convolution with itself transposed", .sample([1, 2, 4, 4]), .sample([2, 2, 2, 2], seed: 1), terms: 64) {
            transposedConvolution(convolution($0[0], $0[1], stride: [2]), $0[1], stride: [2])
        },
        OperationCase("convolution that leaves elements over", .sample([1, 1, 6, 5]), .sample([2, 1, 2, 2], seed: 1), terms: 8) {
            convolution($0[0], $0[1], stride: [3, 2])
        },
        OperationCase("max pooling in one dimension", .sample([2, 2, 5])) { $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], isCeiling: true)) },
        OperationCase("max pooling of equal elements", Value([0, 0, 1, 1, 0, 0, 1, 0], shape: [1, 1, 2, 4]), differentiable: false) {
            gradient(of: $0[0].maxPooled(PoolingWindow(size: [2], stride: [1])).sum(), withRespectTo: $0[0])
        },
    ]
}
