import Soma
import SomaGraph

extension OperationCase {
    private static func product(_ a: Shape, _ b: Shape, differentiable: Bool = true) -> OperationCase {
        let inner = a.rank == 0 ? 1 : a[a.rank - 1]
        return OperationCase(
            "matmul \(a) · \(b)", .sample(a), .sample(b, seed: 1), differentiable: differentiable,
            terms: Swift.max(1, inner)
        ) { matmul($0[0], $0[1]) }
    }

    static let products: [OperationCase] = [
        product([3], [3]), product([2, 3], [3]), product([3], [3, 2]), product([2, 3], [3, 4]),
        product([1, 1], [1, 1]),
        product([2, 2, 3], [2, 3, 2]), product([2, 2, 3], [3, 2]), product([2, 3], [2, 3, 2]),
        product([2, 1, 2, 3], [3, 3, 2]),
        product([2, 2, 3], [3]), product([3], [2, 3, 2]), product([0, 3], [3, 2]), product([2, 0], [0, 3]),
        product([2, 3], [3, 0]),
        product([17, 33], [33, 65], differentiable: false), product([129, 67], [67, 31], differentiable: false),
        product([64, 64], [64, 64], differentiable: false), product([1, 300], [300, 70], differentiable: false),
        product([300, 1], [1, 70], differentiable: false), product([5, 17, 9], [5, 9, 21], differentiable: false),
        product([70, 300], [300], differentiable: false),
        OperationCase(
            "matmul with infinities and NaN", Value([17, 5]) { $0 == [3, 4] ? .infinity : Double($0[0] - $0[1]) },
            Value([5, 33]) { $0 == [0, 7] ? .nan : $0 == [2, 32] ? -.infinity : Double($0[0] + $0[1] % 3 + 1) }, differentiable: false, terms: 5
        ) { matmul($0[0], $0[1]) },
        OperationCase("matmul, left transposed", .sample([3, 2]), .sample([3, 4], seed: 1), terms: 3) {
            matmul($0[0].transposed(), $0[1])
        },
        OperationCase("matmul, right transposed", .sample([2, 3]), .sample([4, 3], seed: 1), terms: 3) {
            matmul($0[0], $0[1].transposed())
        },
        OperationCase(
            "matmul, both transposed, 40", .sample([40, 50]), .sample([60, 40], seed: 1), differentiable: false,
            terms: 40
        ) {
            matmul($0[0].transposed(), $0[1].transposed())
        },
        OperationCase("matmul of slices", .sample([5, 7]), .sample([6, 9], seed: 1), terms: 3) {
            matmul($0[0][1..<3, .every(-2)], $0[1][1..<5, 2..<5])
        },
        OperationCase("matmul of stretched operands", .sample([1, 3]), .sample([3, 1], seed: 1), terms: 3) {
            matmul($0[0].expanded(to: [4, 3]), $0[1].expanded(to: [3, 2]))
        },
        OperationCase("matmul of heads", .sample([2, 3, 2, 2]), .sample([2, 3, 2, 2], seed: 1), terms: 2) {
            matmul($0[0].permuted(axes: [0, 2, 1, 3]), $0[1].permuted(axes: [0, 2, 3, 1]))
        },
        OperationCase("linear layer", .sample([4, 3]), .sample([5, 3], seed: 1), .sample([5], seed: 2), terms: 3) { x in
            tanh(matmul(x[0], x[1].transposed()) + x[2])
        },
        OperationCase(
            "linear layer, rectified, 50", .sample([33, 50]), .sample([20, 50], seed: 1), .sample([20], seed: 2),
            differentiable: false, terms: 50
        ) { x in
            maximum(matmul(x[0], x[1].transposed()) + x[2], 0)
        },
        OperationCase(
            "matmul with NaN", Value([1, .nan, 0, 2], shape: [2, 2]), .sample([2, 2]), differentiable: false
        ) { matmul($0[0], $0[1]) },
        OperationCase("matmul, gradient of a gradient's shape", .sample([2, 2])) {
            matmul(matmul($0[0], $0[0]), $0[0].transposed())
        },
        OperationCase("dot", .sample([5]), .sample([5], seed: 1), terms: 5) { dot($0[0], $0[1]) },
        OperationCase("outer", .sample([3]), .sample([4], seed: 1)) { outer($0[0], $0[1]) },
    ]
}
