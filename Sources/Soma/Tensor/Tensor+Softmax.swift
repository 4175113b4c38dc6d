import SomaGraph

// Functions of exponentials along an axis, shifted by the greatest element so that none overflows.

extension Tensor {
    /// log Σ eˣ along `axes` (all of them unless named), accurate for large and for very negative x.
    public func logSumExp(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireReal("logSumExp", file, line)
        let axes = axes.isEmpty ? Array(0..<rank) : normalized(axes: axes, "logSumExp", file: file, line: line)
        let kept = logSumExp(normalizedAxes: axes)
        return keepingDims ? kept : kept.dropping(axes)
    }

    /// eˣ / Σ eˣ along `axis`.
    public func softmax(alongAxis axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireReal("softmax", file, line)
        let axis = normalized(axis: axis, "softmax", file: file, line: line)
        let exponentials = exp(self - max(alongAxes: axis, keepingDims: true))
        return exponentials / exponentials.sum(alongAxes: axis, keepingDims: true)
    }

    /// x − log Σ eˣ along `axis`: the logarithm of `softmax`, without its underflow.
    public func logSoftmax(alongAxis axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireReal("logSoftmax", file, line)
        let axis = normalized(axis: axis, "logSoftmax", file: file, line: line)
        return self - logSumExp(normalizedAxes: [axis])
    }

    private func logSumExp(normalizedAxes axes: [Int]) -> Tensor {
        let greatest = max(alongAxes: axes, keepingDims: true)
        // An infinite shift would give ∞ − ∞.
        let shift = greatest.replacing(with: 0, where: abs(greatest) .== .infinity)
        return log(exp(self - shift).sum(alongAxes: axes, keepingDims: true)) + shift
    }
}
