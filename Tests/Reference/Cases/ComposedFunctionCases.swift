import Foundation
import Soma
import SomaGraph

extension OperationCase {
    /// A function of one number at what goes wrong most easily, with the answers of the C library.
    private static func special(
        _ name: String, _ function: @escaping @Sendable (Tensor) -> Tensor, _ answer: (Double) -> Double, within bound: Double = .infinity
    ) -> OperationCase {
        let elements = Value.special.elements.filter { !(Swift.abs($0) > bound) || $0.isInfinite }
        return OperationCase("\(name) at the edges", Value(elements), differentiable: false, answer: elements.map(answer)) { function($0[0]) }
    }

    static let composedFunctions: [OperationCase] = [
        OperationCase("tan", .sample([3, 5], in: -1.4...1.4)) { tan($0[0]) },
        OperationCase("atan", .sample([3, 5], in: -3...3)) { atan($0[0]) },
        OperationCase("asin", .sample([3, 5], in: -0.9...0.9)) { asin($0[0]) },
        OperationCase("acos", .sample([3, 5], in: -0.9...0.9)) { acos($0[0]) },
        OperationCase("atan2", .sample([3, 1]), .sample([5], seed: 1)) { atan2($0[0], $0[1]) },
        OperationCase("sinh", .sample([3, 5])) { sinh($0[0]) },
        OperationCase("cosh", .sample([3, 5])) { cosh($0[0]) },
        OperationCase("asinh", .sample([3, 5], in: -3...3)) { asinh($0[0]) },
        OperationCase("acosh", .sample([3, 5], in: 1.5...4)) { acosh($0[0]) },
        OperationCase("atanh", .sample([3, 5], in: -0.8...0.8)) { atanh($0[0]) },
        OperationCase("exp2", .sample([3, 5])) { exp2($0[0]) },
        OperationCase("slope of the branch that is not taken", Value([-1, 0.5]), differentiable: false, answer: [0, 2 / 3.0.squareRoot()]) { x in
            gradient(of: Tensor.select(x[0] .> 0, asin(x[0]) , 0).sum(), withRespectTo: x[0])
        },
        special("atan", { atan($0) }, { Foundation.atan($0) }),
        special("tan", { tan($0) }, { Foundation.tan($0) }, within: 100),
        special("asin", { asin($0) }, { Foundation.asin($0) }),
        special("acos", { acos($0) }, { Foundation.acos($0) }),
        special("sinh", { sinh($0) }, { Foundation.sinh($0) }, within: 100),
        special("cosh", { cosh($0) }, { Foundation.cosh($0) }, within: 100),
        special("asinh", { asinh($0) }, { Foundation.asinh($0) }, within: 1e18),
        special("acosh", { acosh($0) }, { Foundation.acosh($0) }),
        special("atanh", { atanh($0) }, { Foundation.atanh($0) }),
        OperationCase(
            "slopes at the ends of asin, acos, acosh and atanh, first and second order", Value([-1, 1]), differentiable: false,
            answer: [
                .infinity, .infinity, -.infinity, .infinity, -.infinity, -.infinity, .infinity, -.infinity,
                .infinity, .infinity, .infinity, -.infinity, .infinity, .infinity, -.infinity, .infinity,
            ]
        ) { x in
            let functions: [(Tensor) -> Tensor] = [asin, acos, acosh, atanh]
            return Tensor(
                concatenating: functions.flatMap { function in
                    let slope = gradient(of: function(x[0]).sum(), withRespectTo: x[0])
                    return [slope, gradient(of: slope.sum(), withRespectTo: x[0])]
                })
        },
        special("exp2", { exp2($0) }, { Foundation.exp2($0) }, within: 100),
        special("is infinite", { $0.isInfinite }, { $0.isInfinite ? 1 : 0 }),
        OperationCase("is infinite, integers", Value([0, 7], dtype: .int32), answer: [0, 0]) { $0[0].isInfinite },
        OperationCase(
            "atan2 at the edges", Value([0, -0.0, 0, -0.0, 1, -1, .infinity, .infinity, -.infinity, 1, 1, .nan, 1, 1e30, 1e-30]),
            Value([1, 1, -1, -0.0, 0, 0, .infinity, -.infinity, 2, .infinity, -.infinity, 1, .nan, 1e30, -1e-30]), differentiable: false,
            answer: [
                0, 0, .pi, -.pi, .pi / 2, -.pi / 2, .pi / 4, .pi * 3 / 4, -.pi / 2, 0, .pi, .nan, .nan, .pi / 4, .pi * 3 / 4,
            ]
        ) { atan2($0[0], $0[1]) },
        OperationCase("slopes of atan2, at the origin too", Value([0, 3, 1e30, 1e-30]), Value([0, 4, 0, 1e-30]), differentiable: false, answer: [0, 0.16, 0, 5e29, 0, -0.12, -1e-30, -5e29])
        { x in
            Tensor(concatenating: gradient(of: atan2(x[0], x[1]).sum(), withRespectTo: x))
        },
    ]

    static let measures: [OperationCase] = [
        OperationCase("norm", .sample([3, 5]), terms: 5) { $0[0].norm(alongAxes: 1) },
        OperationCase("norm of the outer axes, kept", .sample([2, 3, 2]), terms: 4) { $0[0].norm(alongAxes: 0, 2, keepingDims: true) },
        OperationCase("norm of all", .sample([2, 3]), terms: 6) { $0[0].norm() },
        OperationCase("norm of order 1", .sample([3, 5]), terms: 5) { $0[0].norm(order: 1, alongAxes: 1) },
        OperationCase("norm of order 3", .sample([3, 5]), terms: 5) { $0[0].norm(order: 3, alongAxes: 1) },
        OperationCase("norm of order ∞", .sample([3, 5])) { $0[0].norm(order: .infinity, alongAxes: 1) },
        OperationCase("norm of order −∞", .sample([3, 5])) { $0[0].norm(order: -.infinity, alongAxes: [-1]) },
        OperationCase("norm of order 0", Value([0, 2, -0.0, .nan, -1]), differentiable: false, answer: [3]) { $0[0].norm(order: 0) },
        OperationCase("norms beyond the range of squares", Value([3e30, 4e30, 3e-30, 4e-30], shape: [2, 2]), Value([1, 2e29]), differentiable: false, answer: [5e30, 1]) {
            $0[0].norm(alongAxes: 1) * $0[1]
        },
        OperationCase("cubic norms beyond the range", Value([1e20, 1e20, 0, 0], shape: [2, 2]), differentiable: false, answer: [1.2599210498948732e20, 0]) {
            $0[0].norm(order: 3, alongAxes: 1)
        },
        OperationCase("norms of what is not finite", Value([.infinity, 1, .nan, 1], shape: [2, 2]), differentiable: false, answer: [.infinity, .nan]) {
            $0[0].norm(alongAxes: 1)
        },
        OperationCase("norm of order −2", .sample([3, 5], in: 0.5...2), terms: 5) { $0[0].norm(order: -2, alongAxes: 1) },
        OperationCase("norm of order −0.5", Value([-3, 4, 0.7, -1.5], shape: [2, 2]), terms: 2) { $0[0].norm(order: -0.5, alongAxes: 1) },
        OperationCase(
            "norms of negative order beyond the range", Value([1e30, 2e30, 1e-30, 2e-30, 1e30, 1e-30, 0, 1, 0, 0], shape: [5, 2]),
            Value([1e-30, 1e30, 1e30, 1, 1]),
            differentiable: false,
            answer: [0.89442719099991588, 0.89442719099991588, 1, 0, 0, 0.96149971353827292, 0.96149971353827292, 1, 0, 0]
        ) { x in
            Tensor(concatenating: [-2, -3].map { x[0].norm(order: $0, alongAxes: 1) * x[1] })
        },
        OperationCase(
            "norms of negative order of what is not finite", Value([.infinity, 2, .infinity, .infinity, .nan, 0, -.infinity, -3], shape: [4, 2]),
            differentiable: false, answer: [2, .infinity, .nan, 3]
        ) { $0[0].norm(order: -2, alongAxes: 1) },
        OperationCase("norm of negative order of nothing", .sample([2, 0]), differentiable: false, answer: [.infinity, .infinity]) {
            $0[0].norm(order: -2, alongAxes: 1)
        },
        OperationCase(
            "slopes of norms of negative order", Value([1e30, 2e30, 1e-30, 2e-30, 1e30, 1e-30, 0, 1, .infinity, 2, -3, 4], shape: [6, 2]),
            differentiable: false, answer: [0.7155417527999327, 0.08944271909999159, 0.7155417527999327, 0.08944271909999159, 0, 1, 0, 0, 0, 1, -0.512, 0.216]
        ) { x in
            gradient(of: x[0].norm(order: -2, alongAxes: 1).sum(), withRespectTo: x[0])
        },
        OperationCase(
            "second slopes of norms of negative order", Value([1e30, 2e30, 1e-30, 2e-30, 1e30, 1e-30, 0, 1, -3, 4], shape: [5, 2]),
            Value([1e30, 1e-30, 1e-30, 1, 1], shape: [5, 1]), differentiable: false,
            answer: [-0.21466252583997934, 0.10733126291998995, -0.21466252583997934, 0.10733126291998995, 0, 0, 0, 0, -0.32256, -0.241920]
        ) { x in
            let slope = gradient(of: x[0].norm(order: -2, alongAxes: 1).sum(), withRespectTo: x[0])
            return gradient(of: slope.sum(), withRespectTo: x[0]) * x[1]
        },
        OperationCase("norm of nothing", .sample([2, 0]), differentiable: false, answer: [0, 0]) { $0[0].norm(alongAxes: 1) },
        OperationCase("slope of a norm of 0", Value([0, 0, 3, 4], shape: [2, 2]), differentiable: false, answer: [0, 0, 0.6, 0.8]) { x in
            gradient(of: x[0].norm(alongAxes: 1).sum(), withRespectTo: x[0])
        },
        OperationCase("cosine similarity", .sample([3, 4]), .sample([4], seed: 1), terms: 4) { cosineSimilarity($0[0], $0[1]) },
        OperationCase("cosine similarity of 0", Value([0, 0]), Value([1, 2]), differentiable: false, answer: [0]) { cosineSimilarity($0[0], $0[1]) },
        OperationCase("pairwise distance of equal vectors", Value([1, 2, 3, 4]), Value([1, 2, 3, 4]), differentiable: false, answer: [1]) {
            pairwiseDistance($0[0], $0[1], epsilon: 0.5)
        },
        OperationCase("pairwise distance", .sample([4, 3]), .sample([4, 3], seed: 1), terms: 4) { pairwiseDistance($0[0], $0[1], alongAxis: 0) },
    ]
}
