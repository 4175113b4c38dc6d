import Soma
import SomaGraph

extension OperationCase {
    private static func indices(_ elements: [Double], _ shape: Shape) -> Value { Value(elements, shape: shape, dtype: .int32) }

    static let scattering: [OperationCase] = [
        OperationCase("pick along rows", .sample([2, 4]), indices([3, 0, 0, 1, 1, 2], [2, 3])) { $0[0].picked(atIndices: $0[1], alongAxis: 1) },
        OperationCase("pick along columns", .sample([3, 2]), indices([2, 0, 1, 1, 0, 0, 2, 2], [4, 2])) { $0[0].picked(atIndices: $0[1], alongAxis: 0) },
        OperationCase("pick along the middle axis", .sample([2, 3, 2]), indices([2, 0, 1, 1, 0, 0, 0, 2], [2, 2, 2])) {
            $0[0].picked(atIndices: $0[1], alongAxis: -2)
        },
        OperationCase("pick along a vector", .sample([5]), Value([4, 4, 0], dtype: .int64)) { $0[0].picked(atIndices: $0[1], alongAxis: 0) },
        OperationCase("pick, transposed", .sample([4, 2]), indices([3, 0, 0, 1], [2, 2])) { $0[0].transposed().picked(atIndices: $0[1], alongAxis: 1) },
        OperationCase(
            "pick along rows, out of range", Value([1, 2, 3, 4], shape: [2, 2]), indices([2, -1, 1, 0], [2, 2]), differentiable: false,
            answer: [.nan, .nan, 4, 3]
        ) { $0[0].picked(atIndices: $0[1], alongAxis: 1) },
        OperationCase("pick along rows of uint8, out of range", Value([1, 2, 3, 4], shape: [2, 2], dtype: .uint8), indices([2, -1, 1, 0], [2, 2]), answer: [0, 0, 4, 3]) {
            $0[0].picked(atIndices: $0[1], alongAxis: 1)
        },
        OperationCase("pick nothing along rows", .sample([2, 3]), indices([], [2, 0]), answer: []) { $0[0].picked(atIndices: $0[1], alongAxis: 1) },
        OperationCase("scatter", .sample([3, 4]), .sample([3, 2], seed: 1), indices([3, 0, 1, 2, 0, 3], [3, 2])) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 1)
        },
        OperationCase("scatter, the last stays", Value([0, 0, 0]), Value([1, 2, 3, 4]), indices([1, 2, 1, 2], [4]), answer: [0, 3, 4]) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0)
        },
        OperationCase(
            "scatter to columns with ties and out of range", .sample([3, 2]), .sample([4, 2], seed: 1), indices([1, 1, -1, 1, 1, 3, 0, 2], [4, 2])
        ) { $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0) },
        OperationCase("scatter NaN and infinities", Value([0, 0, 7]), Value([.nan, .infinity]), indices([1, 0], [2]), differentiable: false, answer: [.infinity, .nan, 7]) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0)
        },
        OperationCase("scatter bool", Value([0, 0, 1], dtype: .bool), Value([1, 0], dtype: .bool), indices([1, 2], [2]), answer: [0, 1, 0]) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0)
        },
        OperationCase("scatter nothing", .sample([2, 3]), .sample([2, 0]), indices([], [2, 0])) { $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 1) },
        OperationCase("scatter 80", .sample([30], in: 0...9, dtype: .int32), .sample([80], in: 0...99, dtype: .int32), .sample([80], in: 0...29, seed: 2, dtype: .int32)) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0)
        },
        OperationCase("scatter, adding", .sample([2, 3]), .sample([2, 4], seed: 1), indices([1, 1, 0, 1, 2, 0, 9, 2], [2, 4]), terms: 4) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 1, combining: .add)
        },
        OperationCase("scatter, the greatest", .sample([2, 3]), .sample([2, 5], seed: 1), indices([1, 1, 0, 1, -1, 2, 0, 0, 2, 2], [2, 5])) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 1, combining: .maximum)
        },
        OperationCase("scatter, the least, to columns", .sample([3, 2]), .sample([4, 2], seed: 1), indices([1, 1, 0, 1, 1, 2, 0, 2], [4, 2])) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0, combining: .minimum)
        },
        OperationCase(
            "scatter, the least with NaN", Value([5, 5, .nan, 5]), Value([.nan, 1, 7, 2, 9, 3]), indices([0, 0, 1, 1, 2, 3], [6]), differentiable: false,
            answer: [.nan, 2, .nan, 3]
        ) { $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0, combining: .minimum) },
        OperationCase("scatter, the greatest with NaN", Value([5, 5]), Value([.nan, 1, 7]), indices([0, 0, 1], [3]), differentiable: false, answer: [.nan, 7]) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0, combining: .maximum)
        },
        OperationCase("scatter, the least of uint8", Value([200, 3], dtype: .uint8), Value([0, 255, 1], dtype: .uint8), indices([0, 0, 1], [3]), answer: [0, 1]) {
            $0[0].scattered($0[1], atIndices: $0[2], alongAxis: 0, combining: .minimum)
        },
    ]
}
