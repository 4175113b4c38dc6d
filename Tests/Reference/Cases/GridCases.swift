import Soma
import SomaGraph

extension OperationCase {
    static let grids: [OperationCase] = [
        OperationCase("roll", .sample([2, 5])) { $0[0].rolled(by: 2, alongAxis: 1) },
        OperationCase("roll back, far", Value([1, 2, 3, 4, 5]), answer: [3, 4, 5, 1, 2]) { $0[0].rolled(by: -7, alongAxis: 0) },
        OperationCase("roll by the extent", .sample([3, 2])) { $0[0].rolled(by: 3, alongAxis: 0) },
        OperationCase("roll nothing", .sample([2, 0]), answer: []) { $0[0].rolled(by: 1, alongAxis: 1) },
        OperationCase("roll as far as can be", Value([1, 2, 3, 4, 5]), answer: [4, 5, 1, 2, 3]) { $0[0].rolled(by: .min, alongAxis: 0) },
        OperationCase("grid", .sample([2]), .sample([3], seed: 1)) { x in
            let grids = meshgrid(x[0], x[1])
            return grids[0] * 2 + grids[1]
        },
        OperationCase("cartesian grid", Value([1, 2, 3]), Value([10, 20]), answer: [11, 12, 13, 21, 22, 23]) { x in
            let grids = meshgrid(x[0], x[1], indexing: .cartesian)
            return grids[0] + grids[1]
        },
        OperationCase("replace a row", .sample([3, 4]), .sample([4], seed: 1)) { $0[0].replacing(at: -1, with: $0[1]) },
        OperationCase("replace a block", .sample([3, 4]), .sample([2, 1], seed: 1)) { $0[0].replacing(at: 1..., 1..<3, with: $0[1]) },
        OperationCase("replace every other, backwards", .sample([3, 5]), .sample([3, 3], seed: 1)) { $0[0].replacing(at: .all, .every(-2), with: $0[1]) },
        OperationCase("replace rows backwards, with a new axis", .sample([2, 3]), .sample([2, 1, 3], seed: 1)) {
            $0[0].replacing(at: .every(-1), .newAxis, with: $0[1])
        },
        OperationCase("replace nothing", .sample([3]), .sample([0])) { $0[0].replacing(at: 3..., with: $0[1]) },
        OperationCase("replace a number", .sample([]), .sample([], seed: 1)) { $0[0].replacing(at: .ellipsis, with: $0[1]) },
        OperationCase("replace bools by a number", Value([0, 1, 0, 1], dtype: .bool), answer: [1, 1, 1, 1]) { x in
            x[0].replacing(at: .every(2), with: Tensor(1, dtype: .bool, device: x[0].device))
        },
        OperationCase("assign to subscripts", .sample([3, 3]), .sample([3], seed: 1)) { x in
            var y = exp(x[0])
            let before = y
            y[1] = x[1]
            y[.all, 0] += x[1]
            return y * before
        },
        OperationCase("random integers", Value([]), differentiable: false) {
            Tensor.randomIntegers([200], in: -3..<8, generator: RandomGenerator(seed: 7), device: $0[0].device)
        },
        OperationCase("random integers of 2³¹", Value([]), differentiable: false) {
            Tensor.randomIntegers([50], in: -1 << 30..<1 << 30, dtype: .int32, generator: RandomGenerator(seed: 7), device: $0[0].device)
        },
    ]
}
