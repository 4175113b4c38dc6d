import SomaGraph

// Functions of exponentials along an axis, shifted by the greatest element so that none overflows. Each carries the short
// form of its gradient, which needs the result and not the argument.

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
        return softmax(normalizedAxes: [normalized(axis: axis, "softmax", file: file, line: line)])
    }

    private func softmax(normalizedAxes axes: [Int]) -> Tensor {
        withCustomGradient(of: self) { x in
            let exponentials = exp(x - x.max(alongAxes: axes, keepingDims: true))
            // One division for a row.
            return exponentials * reciprocal(exponentials.sum(alongAxes: axes, keepingDims: true))
        } pullback: { gradient, _, y in
            y * (gradient - (gradient * y).sum(alongAxes: axes, keepingDims: true))
        }
    }

    /// x − log Σ eˣ along `axis`: the logarithm of `softmax`, without its underflow.
    public func logSoftmax(alongAxis axis: Int = -1, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireReal("logSoftmax", file, line)
        let axis = normalized(axis: axis, "logSoftmax", file: file, line: line)
        return withCustomGradient(of: self) { x in
            // Not x less its logSumExp: of large x that has no digits left behind the point.
            let shifted = x - x.max(alongAxes: axis, keepingDims: true)
            return shifted - log(exp(shifted).sum(alongAxes: axis, keepingDims: true))
        } pullback: { gradient, _, y in
            gradient - exp(y) * gradient.sum(alongAxes: axis, keepingDims: true)
        }
    }

    private func logSumExp(normalizedAxes axes: [Int]) -> Tensor {
        withCustomGradient(of: self) { x in
            let shift = x.finiteShift(axes)
            return log(exp(x - shift).sum(alongAxes: axes, keepingDims: true)) + shift
        } pullback: { gradient, x, _ in
            // Not the softmax: beside an infinity that is NaN everywhere.
            let exponentials = exp(x - x.finiteShift(axes))
            return gradient * (exponentials * reciprocal(exponentials.sum(alongAxes: axes, keepingDims: true)))
        }
    }

    /// The greatest element along `axes`; the number nearest to it where it is infinite, as an infinite shift would give ∞ − ∞.
    private func finiteShift(_ axes: [Int]) -> Tensor {
        let limit = Float.greatestFiniteMagnitude
        return withoutGradient().max(alongAxes: axes, keepingDims: true).clamped(to: -limit...limit)
    }
}
