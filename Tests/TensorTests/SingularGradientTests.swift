import Soma
import SomaReference
import Testing

/// Gradients where a function has none or an infinite one. The expected numbers are those PyTorch 2 gives.
@Suite struct SingularGradientTests {
    private func gradients(_ inputs: [Value], _ function: ([Tensor]) -> Tensor) -> [[Double]] {
        let tensors = inputs.map { Tensor(reference: $0) }
        return Interpreter().evaluate(gradient(of: function(tensors).sum(), withRespectTo: tensors)).map(\.elements)
    }

    private func expect(
        _ inputs: [Double]..., give wanted: [[Double]], location: SourceLocation = #_sourceLocation,
        of function: ([Tensor]) -> Tensor
    ) {
        let got = gradients(inputs.map { Value($0) }, function)
        for (got, wanted) in zip(got.joined(), wanted.joined()) {
            let agrees = got == wanted || got.isNaN && wanted.isNaN || abs(got - wanted) < 1e-12
            #expect(agrees, "\(got) instead of \(wanted)", sourceLocation: location)
        }
    }

    private let infinity = Double.infinity

    @Test func tiesOfTwoTensorsShare() {
        expect([1, 2, 3], [2, 2, 2], give: [[0, 0.5, 1], [1, 0.5, 0]]) { maximum($0[0], $0[1]) }
        expect([1, 2, 3], [2, 2, 2], give: [[1, 0.5, 0], [0, 0.5, 1]]) { minimum($0[0], $0[1]) }
    }

    @Test func tiesOfAReductionShare() {
        let third = 1.0 / 3
        expect([1, 3, 3, 2, 2, 2], give: [[0, 0.5, 0.5, third, third, third]]) {
            $0[0].reshaped(to: [2, 3]).max(alongAxes: 1)
        }
        expect([1, 1, 3, 2, 0, 2], give: [[0.5, 0.5, 0, 0, 1, 0]]) { $0[0].reshaped(to: [2, 3]).min(alongAxes: 1) }
    }

    /// As in `argmax`, and so that it stays visible.
    @Test func theGreatestIsNaN() {
        expect([1, .nan, 3, 2, .nan, .nan], give: [[0, 1, 0, 0, 0.5, 0.5]]) { $0[0].reshaped(to: [2, 3]).max(alongAxes: 1) }
        expect([.nan, 2, 1], give: [[1, 0, 0]]) { $0[0].min() }
        expect([.nan, 2], [1, .nan], give: [[1, 1], [1, 1]]) { maximum($0[0], $0[1]) }
    }

    @Test func rectifierIsFlatAtZero() {
        expect([-1, 0, 1, .nan], give: [[0, 0, 1, 1]]) { maximum($0[0], 0) }
    }

    @Test func absoluteValueIsFlatAtZero() {
        expect([-2, 0, -0.0, 3], give: [[-1, 0, 0, 1]]) { abs($0[0]) }
    }

    /// ½e² has the second derivative 1 at 0 too.
    @Test func huberLossIsAParabolaAtZero() {
        func slope(_ x: Tensor) -> Tensor { gradient(of: huberLoss(x, .zeros(like: x), reduction: .sum), withRespectTo: x) }
        expect([-3, -0.5, 0, 0.5, 3], give: [[0, 1, 1, 1, 0]]) { slope($0[0]) }
        expect([-3, -0.5, 0, 0.5, 3], give: [[-1, -0.5, 0, 0.5, 1]]) { huberLoss($0[0], .zeros(like: $0[0]), reduction: .sum) }
    }

    @Test func rootsAndLogarithmsAreSteepAtZero() {
        expect([0, 4], give: [[infinity, 0.25]]) { sqrt($0[0]) }
        expect([0, 4], give: [[infinity, 0.25]]) { pow($0[0], 0.5) }
        expect([0], give: [[-infinity]]) { rsqrt($0[0]) }
        expect([0, -1], give: [[infinity, -1]]) { log($0[0]) }
    }

    @Test func powersOfZeroAndOfNegativeNumbers() {
        let byBase = [0, 1, 0, 0, 12, -infinity]
        let byExponent = [0, 0, 0, 0.6931471805599453, .nan, -infinity]
        expect([0, 0, 0, 2, -2, 0], [2, 1, 0, 0, 3, -1], give: [byBase, byExponent]) { pow($0[0], $0[1]) }
    }

    @Test func productsWithZeros() {
        expect([0, 2, 3], give: [[6, 0, 0]]) { $0[0].product() }
        expect([0, 0, 3], give: [[0, 0, 0]]) { $0[0].product() }
    }

    @Test func exponentialsOfInfinity() {
        expect([-infinity, 0], give: [[0, 1]]) { $0[0].logSumExp() }
        expect([1000, 0], give: [[1, 0]]) { $0[0].logSumExp() }
        expect([infinity, 0, 1000], give: [[.nan, 0, 0]]) { $0[0].logSumExp() }
        expect([-infinity, 0, 1], give: [[0, 0, 0]]) { $0[0].softmax().sum() }
    }

    @Test func anglesFarAway() {
        expect([infinity, 1, -infinity, .nan], [1, -infinity, infinity, 1], give: [[0, 0, 0, .nan], [0, 0, 0, .nan]]) { atan2($0[0], $0[1]) }
    }

    /// So that it stays visible.
    @Test func theMiddleOfNaN() {
        expect([1, .nan, 3], give: [[0, 1, 0]]) { $0[0].median() }
        expect([1, .nan, 3, 5], give: [[0, 1, 0, 0]]) { $0[0].quantile(0) }
    }

    /// x⁰ is flat however often it is differentiated, also where x⁻² is beyond float32.
    @Test func powersOfZerothOrder() throws {
        let x = Tensor([1e-30, 2, 0] as [Float], device: try .named("cpu"))
        let slope = gradient(of: pow(x, 0).sum(), withRespectTo: x)
        #expect(try gradient(of: slope.sum(), withRespectTo: x).scalars(as: Float.self) == [0, 0, 0])
    }

    @Test func deviationOfEqualNumbers() {
        expect([1, 1], give: [[0, 0]]) { $0[0].standardDeviation() }
        expect([3], give: [[0]]) { $0[0].standardDeviation() }
        expect([3], give: [[.nan]]) { $0[0].standardDeviation(unbiased: true) }
    }

    @Test func remaindersOfNegativeNumbers() {
        expect([5.3, -5.3], [2, 2], give: [[1, 1], [-2, 2]]) { remainder($0[0], $0[1]) }
        // 1 / 0.1 is 10 in floating point, but nine times 0.1 is what fits into 1: 0.1 is a little more than a tenth.
        expect([1, -1], [0.1, 0.1], give: [[1, 1], [-9, 9]]) { remainder($0[0], $0[1]) }
    }
}
