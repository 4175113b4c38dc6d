import Soma
import SomaGraph

extension OperationCase {
    private static let lowest = -Double.infinity

    /// Windows that reach beyond their input, and what lies around them.
    static let windowEdges: [OperationCase] = [
        OperationCase(
            "transposed convolution, output padding of a stride", Value([1, 2, 3], shape: [1, 1, 3]), Value([1, 10], shape: [1, 1, 2]), terms: 2,
            answer: [2, 13, 20, 30]
        ) {
            transposedConvolution($0[0], $0[1], padding: [1], outputPadding: [1], dilation: [2])
        },
        OperationCase(
            "transposed convolution, output padding of more than a stride and the padding", .sample([1, 2, 3, 2]), .sample([2, 2, 2, 3], seed: 1), terms: 12
        ) {
            transposedConvolution($0[0], $0[1], stride: [1, 2], padding: [2, 1], outputPadding: [2, 3], dilation: [3, 4])
        },
        OperationCase(
            "transposed convolution of nothing but output padding, without a step", .sample([1, 1, 1]), .sample([1, 1, 1]), answer: [0]
        ) { transposedConvolution($0[0], $0[1], padding: [1], outputPadding: [2], dilation: [3]) },
        OperationCase("max pooling by a window beyond the input", Value([1, 2, 3, 4], shape: [1, 1, 2, 2]), answer: [4]) {
            $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], isCeiling: true))
        },
        OperationCase("average pooling by a window beyond the input", Value([1, 2, 3, 4], shape: [1, 1, 2, 2]), answer: [2.5]) {
            $0[0].averagePooled(PoolingWindow(size: [3], stride: [2], isCeiling: true))
        },
        OperationCase("pooling of nothing", .sample([0, 2, 5, 4]), differentiable: false) { x in
            let window = PoolingWindow(size: [2], padding: [1])
            return gradient(of: (x[0].maxPooled(window) + x[0].averagePooled(window)).sum(), withRespectTo: x[0])
        },
        OperationCase("adaptive pooling of nothing", .sample([0, 2, 5]), differentiable: false) { x in
            gradient(of: (x[0].adaptiveMaxPooled(to: [3]) + x[0].adaptiveAveragePooled(to: [3])).sum(), withRespectTo: x[0])
        },
        OperationCase("convolution of an infinite pixel", Value([1, 2, 6, 7]) { $0 == [0, 1, 2, 3] ? .infinity : Double($0[2] - $0[3]) }, .sample([3, 2, 3, 3]), differentiable: false, terms: 18) {
            convolution($0[0], $0[1], padding: .all(1))
        },
        OperationCase(
            "convolution's input gradient of an infinite pixel", .sample([1, 2, 6, 7]), .sample([3, 2, 3, 2], seed: 1),
            Value([1, 3, 3, 4]) { $0 == [0, 1, 1, 2] ? -.infinity : Double($0[2] - $0[3]) }, differentiable: false, terms: 18
        ) { gradient(of: convolution($0[0], $0[1], stride: [2], padding: .each([1, 1])), withRespectTo: $0[0], seed: $0[2]) },
        // What is added around x is no element of it: of elements that are all −∞ the first takes the gradient.
        OperationCase(
            "max pooling of −∞, padded", Value([lowest, lowest, lowest, lowest], shape: [1, 1, 4]), differentiable: false, answer: [1, 1, 0, 0]
        ) { gradient(of: $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1])).sum(), withRespectTo: $0[0]) },
        OperationCase(
            "max pooling of planes of −∞ and NaN, padded", Value([lowest, lowest, lowest, lowest, lowest, .nan], shape: [1, 1, 3, 2]),
            differentiable: false, answer: [1, 0, 0, 0, 0, 1]
        ) { gradient(of: $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1])).sum(), withRespectTo: $0[0]) },
        OperationCase(
            "max pooling of volumes of −∞, without a step", Value([Double](repeating: lowest, count: 8), shape: [1, 1, 2, 2, 2]),
            differentiable: false, answer: [1, 0, 0, 0, 0, 0, 0, 0]
        ) { gradient(of: $0[0].maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1])).sum(), withRespectTo: $0[0]) },
        OperationCase(
            "max pooling of −∞, padded, second order, without a step", Value([lowest, lowest, lowest, lowest], shape: [1, 1, 4]), .sample([1, 1, 2]),
            Value([10, 20, 30, 40], shape: [1, 1, 4]), differentiable: false, answer: [10, 20]
        ) { x in
            let slope = gradient(of: x[0].maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1])), withRespectTo: x[0], seed: x[1])
            return gradient(of: (slope * x[2]).sum(), withRespectTo: x[1])
        },
        OperationCase(
            "adaptive max pooling of −∞", Value([lowest, lowest, lowest], shape: [1, 1, 3]), differentiable: false, answer: [1, 1, 0]
        ) { gradient(of: $0[0].adaptiveMaxPooled(to: [2]).sum(), withRespectTo: $0[0]) },
    ]
}
