import Soma
import SomaGraph

extension OperationCase {
    private static let rows = Value([3, 1, 2, 1, -0.0, 0, 5, -1, 0, 2, 2, 2], shape: [3, 4])
    private static let awkward = Value([1, .nan, 2, .nan, .infinity, -.infinity, 2, -0.0, 0])

    static let sorting: [OperationCase] = [
        OperationCase("sort", .sample([3, 7])) { $0[0].sorted().values },
        OperationCase("sort columns, descending", .sample([5, 3])) { $0[0].sorted(alongAxis: 0, descending: true).values },
        OperationCase("sort the middle axis", .sample([2, 5, 3])) { $0[0].sorted(alongAxis: -2).values },
        OperationCase("sort, transposed", .sample([5, 3])) { $0[0].transposed().sorted().values },
        OperationCase("sort a map", .sample([4, 6])) { exp(sin($0[0] * 3)).sorted().values },
        OperationCase("argsort of a map with ties", Value([1, 3, 3, 1, 2, 1, 3, 2].map { $0 * 0.7 }), answer: [0, 3, 5, 4, 7, 1, 2, 6]) { exp($0[0] * 0.3).argsort() },
        OperationCase("sort nothing", .sample([3, 0]), answer: []) { $0[0].sorted().values },
        OperationCase("sort no rows", .sample([0, 3]), answer: []) { $0[0].sorted().values },
        OperationCase("sort an axis of extent 1", .sample([4, 1])) { $0[0].sorted().values },
        OperationCase(
            "sort with NaN and infinities", awkward, differentiable: false, answer: [-.infinity, 0, 0, 1, 2, 2, .infinity, .nan, .nan]
        ) { $0[0].sorted().values },
        OperationCase("argsort with NaN and infinities", awkward, answer: [5, 7, 8, 0, 2, 6, 4, 1, 3]) { $0[0].argsort() },
        OperationCase("argsort with NaN, descending", awkward, answer: [1, 3, 4, 2, 6, 0, 7, 8, 5]) { $0[0].argsort(descending: true) },
        OperationCase("argsort of ties", rows, answer: [1, 3, 2, 0, 3, 0, 1, 2, 0, 1, 2, 3]) { $0[0].argsort() },
        OperationCase("argsort of ties, descending", rows, answer: [0, 2, 1, 3, 2, 0, 1, 3, 1, 2, 3, 0]) { $0[0].argsort(descending: true) },
        OperationCase("argsort of uint8", Value([255, 0, 7, 0, 255], dtype: .uint8), answer: [1, 3, 2, 0, 4]) { $0[0].argsort() },
        OperationCase("sort bool", Value([1, 0, 1, 0], dtype: .bool), answer: [0, 0, 1, 1]) { $0[0].sorted().values },
        OperationCase("sort 200 numbers", .sample([200]), differentiable: false, answer: Value.sample([200]).elements.sorted()) { $0[0].sorted().values },
        OperationCase(
            "argsort of 100 numbers with many ties", .sample([100], in: 0...9, dtype: .int32), answer: stableOrder(of: .sample([100], in: 0...9, dtype: .int32), >)
        ) { $0[0].argsort(descending: true) },
        OperationCase("top 2", .sample([3, 5])) { $0[0].topK(2).values },
        OperationCase("bottom 2 of columns", .sample([5, 2])) { $0[0].topK(2, alongAxis: 0, largest: false).values },
        OperationCase("top 3 with NaN", awkward, answer: [1, 3, 4]) { $0[0].topK(3).indices },
        OperationCase("bottom 3 with NaN", awkward, answer: [5, 7, 8]) { $0[0].topK(3, largest: false).indices },
        OperationCase("top 0", .sample([3]), answer: []) { $0[0].topK(0).values },
        OperationCase("median", .sample([3, 5])) { $0[0].median(alongAxis: 1) },
        OperationCase("median of an even count", Value([1, 4, 2, 3]), answer: [2]) { $0[0].median() },
        OperationCase("median of int64, kept", Value([5, 1, 9, 2, 2, 0], shape: [2, 3], dtype: .int64), answer: [5, 2]) {
            $0[0].median(alongAxis: -1, keepingDims: true)
        },
        OperationCase("median with NaN", Value([1, 2, 3, 4, .nan, 6], shape: [2, 3]), differentiable: false, answer: [2, .nan]) {
            $0[0].median(alongAxis: 1)
        },
        OperationCase("quantile", .sample([3, 6])) { $0[0].quantile(0.3, alongAxis: 1) },
        OperationCase("quantile of all", Value([4, 1, 3, 2], shape: [2, 2]), answer: [2.5]) { $0[0].quantile(0.5) },
        OperationCase("quantiles, kept", .sample([4, 3])) { $0[0].quantiles([0, 0.25, 0.9, 1], alongAxis: 0, keepingDims: true) },
        OperationCase("quantile of infinities", Value([.infinity, .infinity, 1, -.infinity]), differentiable: false, answer: [.infinity]) {
            $0[0].quantile(0.9)
        },
        OperationCase("quantile with NaN", Value([1, .nan, 3]), differentiable: false, answer: [.nan]) { $0[0].quantile(0) },
    ] + networks

    /// The steps of the network, whatever the length.
    private static let networks: [OperationCase] = [
        OperationCase("sorting network, ties", rows, answer: [1, 3, 2, 0, 3, 0, 1, 2, 0, 1, 2, 3]) { $0[0].order(alongAxis: 1, descending: false, by: .network) },
        OperationCase("sorting network, NaN", awkward, answer: [5, 7, 8, 0, 2, 6, 4, 1, 3]) { $0[0].order(alongAxis: 0, descending: false, by: .network) },
        OperationCase("sorting network, NaN, descending", awkward, answer: [1, 3, 4, 2, 6, 0, 7, 8, 5]) {
            $0[0].order(alongAxis: 0, descending: true, by: .network)
        },
        OperationCase(
            "sorting network, ends of int64", Value([9_007_199_254_740_992, -9_007_199_254_740_992, 0, 9_007_199_254_740_992, 1], dtype: .int64),
            answer: [1, 2, 4, 0, 3]
        ) { $0[0].order(alongAxis: 0, descending: false, by: .network) },
        OperationCase("sorting network, ends of uint8, descending", Value([0, 255, 0, 255, 0], dtype: .uint8), answer: [1, 3, 0, 2, 4]) {
            $0[0].order(alongAxis: 0, descending: true, by: .network)
        },
        OperationCase("comparison of 100", .sample([100], in: 0...9, dtype: .int32), answer: stableOrder(of: .sample([100], in: 0...9, dtype: .int32), <)) {
            $0[0].order(alongAxis: 0, descending: false, by: .comparison)
        },
        OperationCase("sorting network of a map with ties", Value([1, 3, 3, 1, 2, 1, 3, 2].map { $0 * 0.7 }), answer: [0, 3, 5, 4, 7, 1, 2, 6]) {
            exp($0[0] * 0.3).order(alongAxis: 0, descending: false, by: .network)
        },
        OperationCase("slope of a long sort", .sample([100]), .sample([100], seed: 1), differentiable: false, answer: slopeOfSort) { x in
            gradient(of: x[0].sorted().values, withRespectTo: x[0], seed: x[1])
        },
    ]

    private static func stableOrder(of value: Value, _ precedes: (Double, Double) -> Bool) -> [Double] {
        // Swift's sort is stable, but does not promise it.
        value.elements.indices.sorted { a, b in
            let (x, y) = (value.elements[a], value.elements[b])
            return x == y ? a < b : precedes(x, y)
        }.map(Double.init)
    }

    /// Weights put where the sorted elements came from.
    private static var slopeOfSort: [Double] {
        let weights = Value.sample([100], seed: 1).elements
        var slope = weights
        for (rank, index) in stableOrder(of: .sample([100]), <).enumerated() { slope[Int(index)] = weights[rank] }
        return slope
    }
}
