import SomaGraph

/// Mean and variance along axes, which stay with extent 1.
struct Moments {
    /// Those whose elements belong together.
    let axes: [Int]
    /// How many elements these are.
    let count: Int
    let mean: Tensor
    /// The mean squared distance from the mean.
    let variance: Tensor

    /// The moments of `x` along `axes`, where it has elements, from one walk over them and a look at some of them before.
    ///
    /// The pivot of the walk is the mean of k of the n elements of each set: then, wherever outliers are, its squared distance to the mean is at
    /// most n/k − 1 variances, so that the difference of sums loses no more than the factor n/k of its precision. Of equal elements it is one.
    init(of x: Tensor, alongAxes axes: [Int]) {
        let (x0, sample) = (x.withoutGradient(), x.withoutGradient().sample(alongAxes: axes))
        let sampleCount = axes.reduce(1) { $0 * sample.shape[$1] }
        let first = sampleCount == 0 ? Tensor(0, device: x.device) : x0.block(at: x.shape.dimensions.map { _ in 0 }, of: x.shape.reduced(along: axes))
        let pivot = first + (sample - first).sum(alongAxes: axes, keepingDims: true) / Double(sampleCount)
        self.init(of: x, alongAxes: axes, around: pivot)
    }

    /// - Parameter pivot: numbers near the means. Sums are of the distances to them, so that a mean far from 0 does not cancel; mean and variance
    ///   do not depend on them, and no gradient goes to them.
    init(of x: Tensor, alongAxes axes: [Int], around pivot: Tensor) {
        self.axes = axes
        count = axes.reduce(1) { $0 * x.shape[$1] }
        let distance = x - pivot
        let offset = distance.sum(alongAxes: axes, keepingDims: true) / Double(count)
        let spread = square(distance).sum(alongAxes: axes, keepingDims: true) / Double(count)
        mean = pivot + offset
        // Where squares are beyond all numbers the variance is ∞, and not ∞ − ∞; the offset may then be anything. Its slope is still that of the spread.
        let difference = spread - minimum(square(offset), Double(Float.greatestFiniteMagnitude))
        variance = difference.replacing(with: 0, where: difference .< 0).replacing(with: spread, where: spread .== .infinity)
    }

    /// The variance of what the elements are a sample of: divided by one less than their count.
    var unbiasedVariance: Tensor { variance * (Double(count) / Double(count - 1)) }
}

extension Tensor {
    /// Elements of each set along `axes` by which its mean is guessed: all of a short row, which is walked again at no cost, and otherwise the
    /// first sixteenth of the outermost long axis, which lies in one piece.
    fileprivate func sample(alongAxes axes: [Int]) -> Tensor {
        let count = axes.reduce(1) { $0 * shape[$1] }
        let isRow = axes.sorted() == Array(rank - axes.count..<rank)
        guard count > (isRow ? 4096 : 64) else { return self }
        let longest = axes.max { (shape[$0], $1) < (shape[$1], $0) } ?? 0
        let axis = axes.sorted().first { shape[$0] >= 16 } ?? longest
        var dimensions = shape.dimensions
        dimensions[axis] = (dimensions[axis] + 15) / 16
        return block(at: [Int](repeating: 0, count: rank), of: Shape(dimensions))
    }

    /// `(x − μ) / √(σ² + ε) · γ + β` with the moments of x; γ and β are of x's rank, with extents of 1 where they repeat.
    func normalized(by moments: Moments, epsilon: Double, weight: Tensor?, bias: Tensor?) -> Tensor {
        let rule = NormalizationRule(moments, epsilon, weight, bias)
        return withCustomGradient(of: [self] + rule.parameters) { _ in
            let centred = (self - moments.mean) * rule.scale
            return bias.map { centred + $0 } ?? centred
        } pullback: { gradient, inputs, _ in
            rule.gradients(gradient, inputs[0])
        }
    }
}

/// The gradient of a normalisation in closed form. With g that of the value, x̂ the normalised x, and means over what is
/// normalised together: `∂γ = Σ g·x̂`, `∂β = Σ g`, `∂x = (g·γ − mean(g·γ) − x̂·mean(g·γ·x̂)) / √(σ² + ε)`.
///
/// The moments are functions of x here, so that the rule can be differentiated again.
private struct NormalizationRule {
    let moments: Moments
    /// 1 / √(σ² + ε).
    let inverse: Tensor
    /// γ / √(σ² + ε).
    let scale: Tensor
    let weight: Tensor?
    let bias: Tensor?

    init(_ moments: Moments, _ epsilon: Double, _ weight: Tensor?, _ bias: Tensor?) {
        (self.moments, self.weight, self.bias) = (moments, weight, bias)
        inverse = rsqrt(moments.variance + epsilon)
        scale = weight.map { [inverse] in inverse * $0 } ?? inverse
    }

    var parameters: [Tensor] { [weight, bias].compactMap { $0 } }

    /// Of x and of the parameters. One walk over x adds up what all of them need, another one applies it.
    func gradients(_ gradient: Tensor, _ x: Tensor) -> [Tensor] {
        let repeated = parameters.first.map { parameter in (0..<x.rank).filter { parameter.shape[$0] == 1 } } ?? moments.axes
        let common = moments.axes.filter(repeated.contains)
        let sums = gradient.summed(common)
        let products = (gradient * (x - moments.mean)).summed(common) * inverse
        let rest = repeated.filter { !common.contains($0) }
        return [ofInput(gradient, x, sums, products, moments.axes.filter { !common.contains($0) })]
            + [weight.map { _ in products.summed(rest) }, bias.map { _ in sums.summed(rest) }].compactMap { $0 }
    }

    /// - Parameter others: the axes of the moments that the sums do not run along, where γ differs.
    private func ofInput(_ gradient: Tensor, _ x: Tensor, _ sums: Tensor, _ products: Tensor, _ others: [Int]) -> Tensor {
        // Where γ is one number it multiplies last: then g itself serves both walks, and whoever else needs it.
        let inner = others.isEmpty ? nil : weight
        func weighted(_ x: Tensor) -> Tensor { inner.map { x * $0 } ?? x }
        func mean(_ sums: Tensor) -> Tensor { weighted(sums).summed(others) / Double(moments.count) }
        // x − μ is written anew: a tensor that both walks share would be kept in memory.
        let along = (x - moments.mean) * (mean(products) * inverse)
        return (weighted(gradient) - mean(sums) - along) * (inner == nil ? scale : inverse)
    }
}

extension Tensor {
    /// The sum along `axes`, which stay; itself where there are none.
    fileprivate func summed(_ axes: [Int]) -> Tensor { axes.isEmpty ? self : sum(alongAxes: axes, keepingDims: true) }
}
