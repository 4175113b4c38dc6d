import Soma
import SomaGraph

extension OperationCase {
    private typealias Reduction = @Sendable (_ x: Tensor, _ axes: [Int], _ keepingDims: Bool) -> Tensor

    private static let folds: [(name: String, apply: Reduction)] = [
        ("sum", { $0.sum(alongAxes: $1, keepingDims: $2) }),
        ("product", { $0.product(alongAxes: $1, keepingDims: $2) }),
        ("max", { $0.max(alongAxes: $1, keepingDims: $2) }), ("min", { $0.min(alongAxes: $1, keepingDims: $2) }),
        ("mean", { $0.mean(alongAxes: $1, keepingDims: $2) }),
        ("variance", { $0.variance(alongAxes: $1, keepingDims: $2) }),
    ]

    static let reductions: [OperationCase] =
        folds.flatMap { name, apply in
            [
                OperationCase("\(name) of rows", .sample([3, 5]), terms: 5) { apply($0[0], [1], false) },
                OperationCase("\(name) of columns, kept", .sample([3, 5]), terms: 3) { apply($0[0], [0], true) },
                OperationCase("\(name) of the middle axis", .sample([2, 3, 4]), terms: 3) { apply($0[0], [-2], false) },
                OperationCase("\(name) of the outer axes", .sample([2, 3, 4]), terms: 8) {
                    apply($0[0], [0, 2], false)
                },
                OperationCase("\(name) of all", .sample([2, 7]), terms: 14) { apply($0[0], [0, 1], false) },
                OperationCase("\(name) of one number", .sample([])) { apply($0[0], [], false) },
                OperationCase("\(name) of an axis of extent 1", .sample([3, 1])) { apply($0[0], [1], false) },
                OperationCase("\(name), transposed", .sample([4, 3]), terms: 4) {
                    apply($0[0].transposed(), [1], false)
                },
                OperationCase("\(name) of a stretched row", .sample([1, 4]), terms: 3) {
                    apply($0[0].expanded(to: [3, 4]), [0], false)
                },
                OperationCase("\(name) of every other, backwards", .sample([3, 7]), terms: 4) {
                    apply($0[0][.all, .every(-2)], [1], false)
                },
                OperationCase("\(name) of a map, mapped", .sample([3, 5]), terms: 5) {
                    exp(apply(sin($0[0]), [1], true)) * $0[0]
                },
                OperationCase("\(name) of nothing, many", .sample([0, 3]), differentiable: false) {
                    apply($0[0], [1], false)
                },
            ]
        }
        + folds.filter { $0.name != "product" }.flatMap { name, apply in
            [
                OperationCase("\(name) of rows of 1031", .sample([7, 1031]), differentiable: false, terms: 1031) {
                    apply($0[0], [1], false)
                },
                OperationCase("\(name) of columns of 517", .sample([517, 33]), differentiable: false, terms: 517) {
                    apply($0[0], [0], false)
                },
                OperationCase("\(name) of 5000", .sample([5000]), differentiable: false, terms: 5000) {
                    apply($0[0], [0], false)
                },
            ]
        } + extremes + indices + statistics

    private static let extremes: [OperationCase] = [
        OperationCase("sum of nothing", .sample([2, 0])) { $0[0].sum(alongAxes: 1) },
        OperationCase("product of nothing", .sample([2, 0])) { $0[0].product(alongAxes: 1) },
        OperationCase("max of nothing", .sample([2, 0]), differentiable: false) { $0[0].max(alongAxes: 1) },
        OperationCase("min of no int32", .sample([2, 0], dtype: .int32)) { $0[0].min(alongAxes: 1) },
        OperationCase("mean of nothing", .sample([2, 0]), differentiable: false) { $0[0].mean(alongAxes: 1) },
        OperationCase("logSumExp of nothing", .sample([2, 0]), differentiable: false, answer: [-.infinity, -.infinity]) { $0[0].logSumExp(alongAxes: 1) },
        OperationCase("statistics of nothing", .sample([0]), differentiable: false, answer: [.nan, .nan, .nan]) {
            Tensor(stacking: [$0[0].variance(), $0[0].variance(unbiased: true), $0[0].standardDeviation()])
        },
        OperationCase("statistics of one number", .sample([1]), differentiable: false, answer: [0, 0]) { x in
            Tensor(stacking: [x[0].variance(), x[0].standardDeviation()])
        },
        OperationCase("argmax of no rows", .sample([0, 3]), answer: []) { $0[0].argmax(alongAxis: 1) },
        OperationCase("slopes of reductions of nothing", .sample([2, 0]), differentiable: false, answer: []) { x in
            let reductions = [x[0].max(alongAxes: 1), x[0].product(alongAxes: 1), x[0].logSumExp(alongAxes: 1), x[0].softmax().sum(alongAxes: 1)]
            return gradient(of: reductions.reduce(x[0].mean(alongAxes: 1)) { $0 + $1 }.sum(), withRespectTo: x[0])
        },
        OperationCase("product with a zero", Value([2, 0, 3, 1.5, 0.5, 4], shape: [2, 3]), terms: 3) {
            $0[0].product(alongAxes: 1)
        },
        OperationCase("product with two zeros", Value([2, 0, 3, 0]), terms: 4) { $0[0].product() },
        OperationCase("max with NaN", Value([1, .nan, 3, 2, -1, 0], shape: [2, 3]), differentiable: false) {
            $0[0].max(alongAxes: 1)
        },
        OperationCase("min with NaN", Value([1, .nan, 3, 2, -1, 0], shape: [2, 3]), differentiable: false) {
            $0[0].min(alongAxes: 1)
        },
        OperationCase("max of infinities", Value([-.infinity, -.infinity]), differentiable: false) { $0[0].max() },
        OperationCase("sum of infinities", Value([.infinity, 1, -.infinity]), differentiable: false) { $0[0].sum() },
        OperationCase("sum of int32 beyond its range", Value([2_147_483_647, 2], dtype: .int32)) { $0[0].sum() },
        OperationCase("sum of int32", .sample([3, 7], in: -50...50, dtype: .int32)) { $0[0].sum(alongAxes: 0) },
        OperationCase("sum of uint8", .sample([3, 7], in: 0...255, dtype: .uint8)) { $0[0].sum(alongAxes: 1) },
        OperationCase("sum of bool", .sample([3, 7], dtype: .bool)) { $0[0].sum(alongAxes: 0) },
        OperationCase("max of uint8", .sample([3, 7], in: 0...255, dtype: .uint8)) { $0[0].max(alongAxes: 1) },
        OperationCase("product of int64", .sample([3, 4], in: -9...9, dtype: .int64)) { $0[0].product(alongAxes: 1) },
        OperationCase("any, all", Value([0, 1, 1, 1, 0, 0], shape: [3, 2], dtype: .bool)) { x in
            Tensor(concatenating: [x[0].any(alongAxes: 1), x[0].all(alongAxes: 1), x[0].any().reshaped(to: [1])])
        },
        OperationCase("any, all of nothing", .sample([2, 0], dtype: .bool)) { x in
            Tensor(concatenating: [x[0].any(alongAxes: 1), x[0].all(alongAxes: 1)])
        },
        OperationCase("any of numbers", Value([0, .nan, 0, 0], shape: [2, 2]), differentiable: false) {
            $0[0].any(alongAxes: 1)
        },
    ]

    private static let indices: [OperationCase] = [
        OperationCase("argmax of rows", .sample([4, 7])) { $0[0].argmax(alongAxis: 1) },
        OperationCase("argmin of columns, kept", .sample([4, 7])) { $0[0].argmin(alongAxis: 0, keepingDims: true) },
        OperationCase("argmax of all", .sample([3, 5])) { $0[0].argmax() },
        OperationCase("argmax of ties", Value([1, 3, 3, 0, 2, 2, 2, 1], shape: [2, 4])) { $0[0].argmax(alongAxis: 1) },
        OperationCase("argmin of ties", Value([1, 0, 0, 3], shape: [4])) { $0[0].argmin(alongAxis: 0) },
        OperationCase("argmax with NaN", Value([1, .nan, 9, .nan])) { $0[0].argmax() },
        OperationCase("argmin with NaN", Value([1, 5, .nan, 0])) { $0[0].argmin() },
        OperationCase("argmax of infinities", Value([-.infinity, -.infinity])) { $0[0].argmax() },
        OperationCase("argmax of 1031", .sample([3, 1031])) { $0[0].argmax(alongAxis: -1) },
        OperationCase("argmin of int32", .sample([3, 9], in: -5...5, dtype: .int32)) { $0[0].argmin(alongAxis: 1) },
        OperationCase("argmax, transposed", .sample([5, 4])) { $0[0].transposed().argmax(alongAxis: 1) },
    ]

    private static let statistics: [OperationCase] = [
        OperationCase("unbiased variance", .sample([3, 5]), terms: 5) { $0[0].variance(alongAxes: 1, unbiased: true) },
        OperationCase("standard deviation", .sample([3, 5]), terms: 5) { $0[0].standardDeviation(alongAxes: 1) },
        OperationCase("variance far from 0", .sample([64], in: 1000...1001), differentiable: false, terms: 64) {
            $0[0].variance()
        },
        OperationCase("layer normalisation", .sample([3, 6]), .sample([6], seed: 1), .sample([6], seed: 2), terms: 6) {
            x in
            let centred = x[0] - x[0].mean(alongAxes: -1, keepingDims: true)
            let scale = rsqrt(x[0].variance(alongAxes: -1, keepingDims: true) + 1e-5)
            return centred * scale * x[1] + x[2]
        },
    ]

    static let exponentials: [OperationCase] = [
        OperationCase("softmax", .sample([3, 5]), terms: 5) { $0[0].softmax() },
        OperationCase("softmax of columns", .sample([3, 4]), terms: 3) { $0[0].softmax(alongAxis: 0) },
        OperationCase("softmax, transposed", .sample([4, 3]), terms: 4) { $0[0].transposed().softmax() },
        OperationCase("softmax of large numbers", Value([1000, 1001, -1000]), differentiable: false) {
            $0[0].softmax()
        },
        OperationCase("softmax with −∞", Value([0, -.infinity, 1]), differentiable: false) { $0[0].softmax() },
        OperationCase("softmax of 1031", .sample([5, 1031]), differentiable: false, terms: 1031) { $0[0].softmax() },
        OperationCase("softmax of 20000", .sample([2, 20000]), differentiable: false, terms: 20000) { $0[0].softmax() },
        OperationCase("logSoftmax", .sample([3, 5]), terms: 5) { $0[0].logSoftmax() },
        OperationCase("logSoftmax of large numbers", Value([1000, 0, -1000])) { $0[0].logSoftmax() },
        OperationCase("logSumExp", .sample([3, 5]), terms: 5) { $0[0].logSumExp(alongAxes: 1) },
        OperationCase("logSumExp of all", .sample([3, 4]), terms: 12) { $0[0].logSumExp() },
        OperationCase("logSumExp, kept", .sample([2, 3, 2]), terms: 4) {
            $0[0].logSumExp(alongAxes: 0, 2, keepingDims: true)
        },
        OperationCase("logSumExp of −∞", Value([-.infinity, -.infinity]), differentiable: false) { $0[0].logSumExp() },
        OperationCase("logSumExp of ∞", Value([.infinity, 0]), differentiable: false) { $0[0].logSumExp() },
        OperationCase("cross-entropy", .sample([4, 3]), Value([0, 2, 1, 1], dtype: .int32), terms: 4) { x in
            -x[0].logSoftmax().picked(atIndices: x[1]).mean()
        },
    ]
}
