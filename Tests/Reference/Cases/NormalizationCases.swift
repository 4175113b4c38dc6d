import Soma
import SomaGraph

extension OperationCase {
    static let normalizations: [OperationCase] = [
        OperationCase("batch normalisation", .sample([2, 2, 2, 2]), .sample([2], seed: 1), .sample([2], seed: 2), terms: 16) {
            $0[0].batchNormalized(weight: $0[1], bias: $0[2])
        },
        OperationCase("batch normalisation of rows", .sample([5, 3]), terms: 8) { $0[0].batchNormalized(epsilon: 0.1) },
        OperationCase("batch normalisation of one sample, scaled only", .sample([1, 3, 3]), .sample([3], seed: 1), terms: 8) {
            $0[0].batchNormalized(weight: $0[1])
        },
        OperationCase("batch normalisation of one channel, shifted only", .sample([2, 1, 3]), .sample([1], seed: 1), terms: 8) {
            $0[0].batchNormalized(bias: $0[1])
        },
        OperationCase("batch normalisation of many channels", .sample([3, 33, 5, 7]), .sample([33], seed: 1), differentiable: false, terms: 105) {
            relu($0[0].batchNormalized(weight: $0[1]))
        },
        OperationCase(
            "batch normalisation of a channel of equal numbers", .sample([2, 2, 3], in: 0.75...0.75), differentiable: false,
            exactly: [Double](repeating: 0, count: 12)
        ) {
            $0[0].batchNormalized()
        },
        OperationCase("instance normalisation", .sample([2, 2, 3, 2]), .sample([2], seed: 1), .sample([2], seed: 2), terms: 16) {
            $0[0].instanceNormalized(weight: $0[1], bias: $0[2])
        },
        OperationCase("instance normalisation of one sample", .sample([1, 3, 5]), terms: 8) { tanh($0[0].instanceNormalized()) },
        OperationCase("instance normalisation of many places", .sample([1, 2, 97, 101], in: 5...7), differentiable: false, terms: 9797) {
            $0[0].instanceNormalized()
        },
        OperationCase("divided by the root mean square of rows", .sample([3, 5]), terms: 8) { $0[0].dividedByRootMeanSquare(alongAxes: [-1]) },
        OperationCase("divided by the root mean square of two axes, a large epsilon", .sample([2, 3, 2]), .sample([3, 1], seed: 1), terms: 8) {
            $0[0].dividedByRootMeanSquare(alongAxes: [0, 2], epsilon: 0.5) * $0[1]
        },
        OperationCase("group normalisation", .sample([2, 4, 2, 2]), .sample([4], seed: 1), .sample([4], seed: 2), terms: 16) {
            $0[0].groupNormalized(groups: 2, weight: $0[1], bias: $0[2])
        },
        OperationCase("group normalisation of rows", .sample([3, 6]), .sample([6], seed: 1), terms: 8) {
            $0[0].groupNormalized(groups: 2, weight: $0[1], epsilon: 0.1)
        },
        OperationCase("group normalisation of one group, shifted only", .sample([2, 3, 2]), .sample([3], seed: 1), terms: 16) {
            $0[0].groupNormalized(groups: 1, bias: $0[1])
        },
        OperationCase("group normalisation of many channels", .sample([2, 65, 3, 5]), .sample([65], seed: 1), differentiable: false, terms: 195) {
            relu($0[0].groupNormalized(groups: 5, weight: $0[1]))
        },
    ]
}
