import Soma
import SomaGraph

extension OperationCase {
    static let indexing: [OperationCase] = [
        OperationCase("gather rows", .sample([5, 3]), Value([4, 0, 4], dtype: .int32)) {
            $0[0].gathered(atIndices: $0[1])
        },
        OperationCase("gather columns", .sample([2, 5, 2]), Value([3, 3, 0], dtype: .int32)) {
            $0[0].gathered(atIndices: $0[1], alongAxis: 1)
        },
        OperationCase("gather by a matrix", .sample([4, 2]), Value([1, 0, 3, 2], shape: [2, 2], dtype: .int32)) {
            $0[0].gathered(atIndices: $0[1])
        },
        OperationCase("gather one", .sample([4, 2]), Value(scalar: 2, dtype: .int32)) {
            $0[0].gathered(atIndices: $0[1])
        },
        OperationCase("gather out of range", .sample([3, 2]), Value([0, -1, 3], dtype: .int32), differentiable: false) {
            $0[0].gathered(atIndices: $0[1])
        },
        OperationCase("gather int32 out of range", .sample([3], dtype: .int32), Value([2, 7], dtype: .int32)) {
            $0[0].gathered(atIndices: $0[1])
        },
        OperationCase("gather nothing", .sample([3, 2]), Value([], dtype: .int32)) { $0[0].gathered(atIndices: $0[1]) },
        OperationCase(
            "gather 1000 rows", .sample([300, 7]), .sample([1000], in: 0...299, dtype: .int32), differentiable: false
        ) { $0[0].gathered(atIndices: $0[1]) },
        OperationCase("gather, transposed", .sample([3, 4]), Value([1, 1], dtype: .int32)) {
            $0[0].transposed().gathered(atIndices: $0[1])
        },
        OperationCase(
            "scatter-add", .sample([4, 2]), Value([1, 3, 1], dtype: .int32), .sample([3, 2], seed: 1), terms: 3
        ) {
            $0[0].scatteredAdd($0[2], atIndices: $0[1])
        },
        OperationCase(
            "scatter-add to columns", .sample([2, 3]), Value([2, 2], dtype: .int32), .sample([2, 2], seed: 1), terms: 3
        ) {
            $0[0].scatteredAdd($0[2], atIndices: $0[1], alongAxis: 1)
        },
        OperationCase(
            "scatter-add out of range", .sample([3]), Value([-1, 1, 9], dtype: .int32), .sample([3], seed: 1)
        ) {
            $0[0].scatteredAdd($0[2], atIndices: $0[1])
        },
        OperationCase(
            "scatter-add int32", .sample([5], in: -9...9, dtype: .int32), Value([0, 0, 4], dtype: .int32),
            Value([1, 2, 3], dtype: .int32)
        ) {
            $0[0].scatteredAdd($0[2], atIndices: $0[1])
        },
        OperationCase(
            "scatter-add 1000", .sample([50, 3]), .sample([1000], in: 0...49, dtype: .int32),
            .sample([1000, 3], seed: 1), differentiable: false, terms: 30
        ) {
            $0[0].scatteredAdd($0[2], atIndices: $0[1])
        },
        OperationCase("one-hot", Value([2, 0, 5, -1], dtype: .int32)) { $0[0].oneHot(depth: 3) },
        OperationCase("one-hot of uint8, deep", Value([2, 0], dtype: .uint8)) { $0[0].oneHot(depth: 300) },
        OperationCase("one-hot of uint8", Value([2, 0], dtype: .uint8)) { $0[0].oneHot(depth: 4, dtype: .bool) },
        OperationCase("pick", .sample([3, 4]), Value([0, 3, 1], dtype: .int32)) { $0[0].picked(atIndices: $0[1]) },
        OperationCase("pick out of range", .sample([3, 4]), Value([4, 3, -1], dtype: .int32), differentiable: false, answer: [1, 0, 1]) { x in
            x[0].picked(atIndices: x[1]).isNaN
        },
        OperationCase("pick out of range of uint8", .sample([2, 300]), Value([7, 255], dtype: .uint8)) { $0[0].picked(atIndices: $0[1]) },
        OperationCase("dynamic slice", .sample([4, 5]), Value([1, 2], dtype: .int32)) {
            $0[0].dynamicSlice(at: $0[1], shape: [2, 3])
        },
        OperationCase("dynamic slice, clamped", .sample([4, 5]), Value([-3, 9], dtype: .int32)) {
            $0[0].dynamicSlice(at: $0[1], shape: [2, 3])
        },
        OperationCase("update slice", .sample([4, 3]), Value([2, 1], dtype: .int32), .sample([1, 2], seed: 1)) {
            $0[0].updatingSlice(at: $0[1], with: $0[2])
        },
        OperationCase(
            "update slice, clamped", .sample([4, 3]), Value([9, -1], dtype: .int32), .sample([2, 2], seed: 1)
        ) { $0[0].updatingSlice(at: $0[1], with: $0[2]) },
        OperationCase("update of an intermediate", .sample([4]), Value([1], dtype: .int32), .sample([2], seed: 1)) {
            x in
            let y = exp(x[0])
            return y.updatingSlice(at: x[1], with: sin(x[2])) * y
        },
    ]

    static let creations: [OperationCase] = [
        OperationCase("range", Value([])) { Tensor.range(7, device: $0[0].device) },
        OperationCase("range of nothing", Value([])) { Tensor.range(0, device: $0[0].device) },
        OperationCase("range from, to, by", Value([])) { Tensor.range(from: 1, to: 3, by: 0.25, device: $0[0].device) },
        OperationCase("range downwards", Value([])) {
            Tensor.range(from: 5, to: 0, by: -2, dtype: .int32, device: $0[0].device)
        },
        OperationCase("linspace", Value([])) { Tensor.linspace(from: -1, to: 2, count: 7, device: $0[0].device) },
        OperationCase("eye", Value([])) { Tensor.eye(3, 4, device: $0[0].device) },
        OperationCase("triangles", Value([])) { x in
            Tensor(stacking: [
                .lowerTriangle(3, 4, device: x[0].device), .upperTriangle(3, 4, offset: 1, device: x[0].device),
            ])
        },
        OperationCase("lower triangle of a batch", .sample([2, 3, 3])) { $0[0].lowerTriangle(offset: -1) },
        OperationCase("upper triangle", .sample([3, 4])) { $0[0].upperTriangle() },
        OperationCase("zeros, ones, full", .sample([2, 3])) { x in
            Tensor.zeros(like: x[0]) + Tensor.ones(like: x[0]) * x[0] + Tensor.full([2, 3], 2.5, device: x[0].device)
        },
        OperationCase("full of int32", Value([])) { Tensor.full([2, 2], 7, dtype: .int32, device: $0[0].device) },
    ]

    /// Words are equal on every device; what is computed of them agrees within the tolerance.
    static let randoms: [OperationCase] = [
        random("uniform") { .randomUniform([7, 5], generator: $0, device: $1) },
        random("uniform from, to") { .randomUniform([33], from: -3, to: 5, generator: $0, device: $1) },
        random("normal") { .randomNormal([7, 5], generator: $0, device: $1) },
        random("normal, 1031 numbers") {
            .randomNormal([1031], mean: 2, standardDeviation: 3, generator: $0, device: $1)
        },
        random("Bernoulli") { .randomBernoulli([50], probability: 0.3, generator: $0, device: $1) },
        random("dropout mask") { .dropoutMask([4, 9], rate: 0.25, generator: $0, device: $1) },
        random("nothing at random") { .randomUniform([0, 3], generator: $0, device: $1) },
        random("two draws") {
            .randomUniform([5], generator: $0, device: $1) - .randomUniform([5], generator: $0, device: $1)
        },
    ]

    private static func random(
        _ name: String, _ draw: @escaping @Sendable (RandomGenerator, Device) -> Tensor
    ) -> OperationCase {
        OperationCase(name, Value([]), differentiable: false) {
            draw(RandomGenerator(seed: 0x1234_5678_9ABC_DEF0), $0[0].device)
        }
    }
}
