import Soma
import SomaGraph

extension OperationCase {
    private static let infinity = Double.infinity

    /// Infinities, NaN, weights of 0 and branches that are not taken, with the right elements of each.
    static let singular: [OperationCase] = weightless + branches + slopes + [
        OperationCase(
            "logSoftmax of equal large numbers", Value([1e4, 1e4, 1e8, 1e8], shape: [2, 2]), differentiable: false,
            answer: [Double](repeating: -0.6931471805599453, count: 4)
        ) { $0[0].logSoftmax() },
        OperationCase(
            "slopes of logarithms of equal large numbers", Value([1e4, 1e4, 1e8, 1e8], shape: [2, 2]), differentiable: false,
            answer: [0.5, -0.5, 0.5, -0.5, 0.5, 0.5, 0.5, 0.5]
        ) { x in
            let losses = [x[0].logSoftmax()[.all, 0].sum(), x[0].logSumExp(alongAxes: 1).sum()]
            return Tensor(concatenating: losses.map { gradient(of: $0, withRespectTo: x[0]).flattened() })
        },
    ]

    /// What has no weight in a result does not count there, be it infinite or NaN.
    private static let weightless: [OperationCase] = [
        OperationCase(
            "linear up-sampling beside −∞", Value([0, 0, 0, -infinity], shape: [1, 1, 4]), differentiable: false,
            answer: [0, 0, 0, 0, 0, -infinity, -infinity, -infinity]
        ) { $0[0].upsampled(to: [8], .linear()) },
        OperationCase(
            "linear up-sampling beside −∞, corners aligned", Value([0, 0, 0, -infinity], shape: [1, 1, 4]), differentiable: false,
            answer: [0, 0, 0, 0, 0, -infinity, -infinity]
        ) { $0[0].upsampled(to: [7], .linear(alignsCorners: true)) },
        OperationCase(
            "bilinear up-sampling beside NaN", Value([4, 4]) { $0 == [1, 1] ? .nan : 1 }, differentiable: false,
            answer: Value([8, 8]) { (1...4).contains($0[0]) && (1...4).contains($0[1]) ? 1 : 0 }.elements
        ) { $0[0].reshaped(to: [1, 1, 4, 4]).upsampled(to: [8, 8], .linear()).isNaN.as(.float32) },
        OperationCase(
            "linear up-sampling, infinite gradients", .sample([1, 1, 4]), Value([.nan, 0, 0, 0, 0, 0, 0, -infinity], shape: [1, 1, 8]),
            differentiable: false, answer: [.nan, 0, 0, -infinity]
        ) { gradient(of: $0[0].upsampled(to: [8], .linear()), withRespectTo: $0[0], seed: $0[1]) },
        OperationCase(
            "adaptive average pooling beside −∞", Value([0, 0, -infinity], shape: [1, 1, 3]), differentiable: false, answer: [0, -infinity]
        ) { $0[0].adaptiveAveragePooled(to: [2]) },
        OperationCase(
            "adaptive average pooling, infinite gradients", .sample([1, 1, 3]), Value([infinity, 1], shape: [1, 1, 2]), differentiable: false,
            answer: [infinity, infinity, 0.5]
        ) { gradient(of: $0[0].adaptiveAveragePooled(to: [2]), withRespectTo: $0[0], seed: $0[1]) },
        OperationCase(
            "cross-entropy with a weight of 0 of an infinite loss", Value([-infinity, 0, 0, 1], shape: [2, 2]), Value([0, 1], dtype: .int32),
            Value([0, 1]), differentiable: false, answer: [0, 0.31326168751822286, 0, 0, 0.2689414213699951, -0.2689414213699951]
        ) { x in
            let losses = crossEntropy(x[0], x[1], classWeights: x[2], reduction: .none)
            return Tensor(concatenating: [losses, gradient(of: losses.sum(), withRespectTo: x[0]).flattened()])
        },
        OperationCase(
            "smoothed cross-entropy with weights of 0", Value([-infinity, 0, 0, 1], shape: [2, 2]), Value([0, 1], dtype: .int32), Value([0, 1]),
            differentiable: false, answer: [0, 0.29759860314231174]
        ) { crossEntropy($0[0], $0[1], labelSmoothing: 0.1, classWeights: $0[2], reduction: .none) },
        OperationCase(
            "cross-entropy of an ignored row of NaN", Value([.nan, 0, 0, 1], shape: [2, 2]), Value([0, 1], dtype: .int32), differentiable: false,
            answer: [0, 0, 0.2689414213699951, -0.2689414213699951]
        ) { gradient(of: crossEntropy($0[0], $0[1], ignoredIndex: 0), withRespectTo: $0[0]).flattened() },
        OperationCase("leaky rectifier of slope 0", Value([-infinity, infinity, -1, 2]), differentiable: false, answer: [0, infinity, 0, 2]) {
            leakyReLU($0[0], slope: 0)
        },
        OperationCase("class weights, one of them 0", .sample([2, 2]), Value([0, 1], dtype: .int32), Value([0, 1.5])) {
            crossEntropy($0[0], $0[1], labelSmoothing: 0.25, classWeights: $0[2], reduction: .sum)
        },
    ]

    private static func slope(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor { gradient(of: function(x).sum(), withRespectTo: x).flattened() }

    /// A branch that is not taken has no slope, however steep it is there.
    private static let branches: [OperationCase] = [
        OperationCase(
            "slopes beside a branch that is not taken", Value([0, 4]), differentiable: false,
            answer: [0, 0.25] + [1, 0.6931471805599453] + [0, -0.0625] + [0, 0.25] + [0, 0.25] + [0, 0.25] + [0, 2] + [0, 0.25]
        ) { x in
            let zero = Tensor.zeros(like: x[0])
            return Tensor(concatenating: [
                slope(x[0]) { .select($0 .> 0, sqrt($0), zero) },
                slope(x[0]) { x in
                    let root = log(x)
                    return .select(x .> 0, root * root, x)
                },
                slope(x[0]) { .select($0 .!= 0, 1 / $0, zero) },
                slope(x[0]) { maximum(log($0), 0) },
                slope(x[0]) { maximum(log($0), zero - 9) },
                slope(x[0]) { log($0).max() },
                slope(x[0]) { .select($0 .== 0, zero, pow($0 - 4, 2) * 0.5 + $0 * 2) - maximum(zero, zero) },
                slope(x[0]) { .select($0 .> 0, .select($0 .> 1, log($0), zero), zero) },
            ])
        },
        OperationCase(
            "slopes of rows by their length, one of them 0", Value([0, 0, 3, 4], shape: [2, 2]), differentiable: false,
            answer: [0, 0, 0.128, -0.096] + [0, 0, -0.06473002294025719, -0.03513603130536238]
        ) { x in
            Tensor(concatenating: [
                slope(x[0]) { x in
                    let length = sqrt(square(x).sum(alongAxes: 1, keepingDims: true))
                    return Tensor.select(length .> 0, x / length, .zeros(like: x))[.all, 0]
                },
                slope(x[0]) { Tensor.select($0 .> 0, softplus(1 / $0), .zeros(like: $0)) },
            ])
        },
        OperationCase("slopes of sums in a branch that is not taken", Value([0, 0, 1, 1], shape: [2, 2]), differentiable: false, answer: [0, 0, 0.5, 0.5] + [0, 0, 1, 0] + [0, 0, 1, 1]) { x in
            let isFull = (x[0].sum(alongAxes: 1) .> 0).withoutGradient()
            return Tensor(concatenating: [
                slope(x[0]) { .select(isFull, log($0.sum(alongAxes: 1)), .zeros([2], device: $0.device)) },
                slope(x[0]) { .select(isFull, log($0[.all, 0].reshaped(to: [2, 1]).transposed().reshaped(to: [2])), .zeros([2], device: $0.device)) },
                slope(x[0]) { x in
                    let pair = Tensor(concatenating: [log(x), x], alongAxis: 1)
                    return .select(isFull.expandingDims(at: 1), pair, .zeros(like: pair)).sum(alongAxes: 1) - x.sum(alongAxes: 1) * isFull.as(.float32)
                },
            ])
        },
    ]

    /// Slopes where an argument or a slope is infinite.
    private static let slopes: [OperationCase] = [
        OperationCase(
            "activations of infinities", Value([-infinity, infinity]), differentiable: false,
            answer: [0, infinity, 0, 1, 0, infinity, 0, 1, 0, infinity, 0, 1, 0, infinity, 0, 1, -1, infinity, 0, 1, 0, infinity, 0, 1]
        ) { x in
            let activations: [(Tensor) -> Tensor] = [{ relu($0) }, { gelu($0) }, { geluTanh($0) }, { silu($0) }, { elu($0) }, { softplus($0) }]
            return Tensor(concatenating: activations.flatMap { [$0(x[0]), slope(x[0], $0)] })
        },
        OperationCase("gelu and its approximation, silu", .sample([2, 5], in: -4...4)) { gelu($0[0]) + geluTanh($0[0]) * 2 - silu($0[0]) },
        OperationCase(
            "losses of infinite predictions", Value([infinity, -infinity, infinity, -infinity]), Value([1, 0, 0, 1]), differentiable: false,
            answer: [0, 0, infinity, infinity] + [0, 0, 1, -1] + [0, 0, infinity, infinity] + [0, 0, 1, -3] + [infinity, infinity, infinity, infinity]
                + [1, -1, 1, -1] + [0, 0, infinity, infinity] + [0, 0, 1, -1]
        ) { x in
            let (targets, weight) = (x[1], Tensor(3, device: x[0].device))
            let losses: [(Tensor) -> Tensor] = [
                { binaryCrossEntropy(logits: $0, targets, reduction: .none) },
                { binaryCrossEntropy(logits: $0, targets, positiveWeight: weight, reduction: .none) },
                { huberLoss($0, targets, reduction: .none) }, { hingeLoss($0, targets * 2 - 1, reduction: .none) },
            ]
            return Tensor(concatenating: losses.flatMap { [$0(x[0]), slope(x[0], $0)] })
        },
        OperationCase(
            "hinge loss where nothing is asked for", Value([infinity, -infinity, .nan, 3]), Value([0, 0, 0, 0]), differentiable: false,
            answer: [1, 1, 1, 1] + [0, 0, 0, 0]
        ) { x in
            let loss = { hingeLoss($0, x[1], reduction: .none) }
            return Tensor(concatenating: [loss(x[0]), slope(x[0], loss)])
        },
        OperationCase(
            "divergence of targets that cannot be", Value([-infinity, -1, -infinity]), Value([-infinity, -infinity, 0]), differentiable: false,
            answer: [0, 0, infinity] + [0, 0, -1] + [0, 0, infinity] + [0, 0, -1]
        ) { x in
            let losses: [(Tensor) -> Tensor] = [
                { klDivergence($0, x[1], targetsAreLogarithms: true, reduction: .none) }, { klDivergence($0, exp(x[1]), reduction: .none) },
            ]
            return Tensor(concatenating: losses.flatMap { [$0(x[0]), slope(x[0], $0)] })
        },
        OperationCase(
            "slopes of powers", Value([0, .nan, infinity, 0, 0]), Value([0, 0, 0, 2, 0.5]), differentiable: false,
            answer: [0, 0, 0, 0, infinity]
        ) { x in slope(x[0]) { pow($0, x[1]) } },
        OperationCase("slopes of exponents", Value([0, infinity, 2, 0.5]), Value([0, -1, 0, infinity]), differentiable: false, answer: [0, 0, 0.6931471805599453, 0]) {
            x in slope(x[1]) { pow(x[0], $0) }
        },
        OperationCase("slopes of extremes with NaN", Value([.nan, 1, 2]), Value([0, .nan, 2]), differentiable: false, answer: [1, 1, 0.5, 1, 1, 0.5]) { x in
            Tensor(concatenating: [slope(x[0]) { maximum($0, x[1]) }, slope(x[1]) { minimum(x[0], $0) }])
        },
        OperationCase("binary cross-entropy", .sample([6]), Value([0, 1, 0.25, 1, 0, 0.5]), .sample([6], in: 0.5...2, seed: 1)) {
            binaryCrossEntropy(logits: $0[0], $0[1], positiveWeight: $0[2], reduction: .none) + binaryCrossEntropy(logits: $0[0], $0[1], reduction: .none)
        },
        OperationCase("Huber's loss", .sample([2, 3]), .sample([2, 3], seed: 3)) { huberLoss($0[0], $0[1], delta: 0.75, reduction: .none) },
    ]
}
