import Soma
import SomaGraph

extension OperationCase {
    static let scans: [OperationCase] = [
        OperationCase("running sum", .sample([3, 6]), terms: 6) { $0[0].cumulativeSum(alongAxis: 1) },
        OperationCase("running sum of columns, reversed", .sample([5, 2]), terms: 5) { $0[0].cumulativeSum(alongAxis: 0, reversed: true) },
        OperationCase("running sum, exclusive", Value([1, 2, 3, 4]), answer: [0, 1, 3, 6]) { $0[0].cumulativeSum(alongAxis: 0, exclusive: true) },
        OperationCase("running sum, exclusive, reversed", Value([1, 2, 3, 4]), answer: [9, 7, 4, 0]) {
            $0[0].cumulativeSum(alongAxis: 0, exclusive: true, reversed: true)
        },
        OperationCase("running sum of the middle axis", .sample([2, 4, 3]), terms: 4) { $0[0].cumulativeSum(alongAxis: -2) },
        OperationCase("running sum of a map, mapped", .sample([2, 5]), terms: 5) { exp(sin($0[0]).cumulativeSum(alongAxis: 1)) * $0[0] },
        OperationCase("running sum, transposed", .sample([5, 2]), terms: 5) { $0[0].transposed().cumulativeSum(alongAxis: 1) },
        OperationCase("running sum with infinities", Value([1, .infinity, 2, -.infinity, 3]), differentiable: false, answer: [1, .infinity, .infinity, .nan, .nan]) {
            $0[0].cumulativeSum(alongAxis: 0)
        },
        OperationCase("running sum of 1031", .sample([2, 1031]), differentiable: false, terms: 1031) { $0[0].cumulativeSum(alongAxis: 1) },
        OperationCase("running sum of uint8", Value([200, 100, 50], dtype: .uint8), answer: [200, 300, 350]) { $0[0].cumulativeSum(alongAxis: 0) },
        OperationCase("running sum of bool", Value([1, 0, 1, 1], dtype: .bool), answer: [1, 1, 2, 3]) { $0[0].cumulativeSum(alongAxis: 0) },
        OperationCase("running sum of int64", .sample([3, 4], in: -9...9, dtype: .int64)) { $0[0].cumulativeSum(alongAxis: 1) },
        OperationCase("running sum of nothing", .sample([2, 0]), answer: []) { $0[0].cumulativeSum(alongAxis: 1, exclusive: true) },
        OperationCase("running sum of one", .sample([2, 1])) { $0[0].cumulativeSum(alongAxis: 1) },
        OperationCase("running sum of one, exclusive", .sample([2, 1]), answer: [0, 0]) { $0[0].cumulativeSum(alongAxis: 1, exclusive: true) },
        OperationCase("running product", .sample([3, 5], in: 0.5...1.5), terms: 5) { $0[0].cumulativeProduct(alongAxis: 1) },
        OperationCase("running product with zeros", Value([2, 0, 3, 0, 1.5]), terms: 5, answer: [2, 0, 0, 0, 0]) { $0[0].cumulativeProduct(alongAxis: 0) },
        OperationCase("running product, exclusive, reversed", Value([2, 3, 4]), answer: [12, 4, 1]) {
            $0[0].cumulativeProduct(alongAxis: 0, exclusive: true, reversed: true)
        },
        OperationCase("running product of int32", Value([1, -2, 3, 4], dtype: .int32), answer: [1, -2, -6, -24]) { $0[0].cumulativeProduct(alongAxis: 0) },
        OperationCase("running maximum", .sample([2, 7])) { $0[0].cumulativeMaximum(alongAxis: 1) },
        OperationCase("running maximum of a map", .sample([2, 7])) { sin($0[0] * 3).cumulativeMaximum(alongAxis: 1) },
        OperationCase("running maximum with NaN", Value([1, 3, 3, 2, .nan, 5]), differentiable: false, answer: [1, 3, 3, 3, .nan, .nan]) {
            $0[0].cumulativeMaximum(alongAxis: 0)
        },
        OperationCase("running maximum of −∞", Value([-.infinity, -.infinity, 0]), differentiable: false, answer: [-.infinity, -.infinity, 0]) {
            $0[0].cumulativeMaximum(alongAxis: 0)
        },
        OperationCase("running minimum of columns, reversed", .sample([5, 2])) { $0[0].cumulativeMinimum(alongAxis: 0, reversed: true) },
        OperationCase("running minimum of int32", Value([3, 5, 1, 2], dtype: .int32), answer: [3, 3, 1, 1]) { $0[0].cumulativeMinimum(alongAxis: 0) },
        OperationCase("slope of a running maximum with ties", Value([1, 3, 3, 2]), differentiable: false, answer: [1, 1, 2, 0]) { x in
            gradient(of: x[0].cumulativeMaximum(alongAxis: 0).sum(), withRespectTo: x[0])
        },
    ]
}
