import SomaGraph

// Norms of vectors along axes, and what is measured with them.

extension Tensor {
    /// The norm (Σ |x|ᵖ)^(1/p) along `axes`, or of all elements unless any is named, of real numbers. NaN where any element is NaN, 0 of
    /// nothing (∞ for orders below 0).
    ///
    /// Orders other than 1 are summed in units of the greatest |x|, those below 0 in units of the least, so that no power overflows or
    /// vanishes where the norm does not. A norm of an order below 0 is 0 where an element is. Where a norm is 0 its gradient is taken to be
    /// 0, and of |x| at 0; the extremes share it among equals, as `max` does.
    /// - Parameter order: p: 2 for the Euclidean norm, 1 for Σ |x|, ∞ for the greatest |x|, −∞ for the least, 0 for the number of elements
    ///   other than 0, or any other number.
    public func norm(
        order: Double = 2, alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        norm(order, axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The norm along each of `axes`.
    public func norm(
        order: Double = 2, alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        norm(order, axes, keepingDims, file, line)
    }

    private func norm(_ order: Double, _ axes: [Int]?, _ keepingDims: Bool, _ file: StaticString, _ line: UInt) -> Tensor {
        requireReal("norm", file, line)
        let axes = axes.map { normalized(axes: $0, "norm", file: file, line: line) } ?? Array(0..<rank)
        let kept: Tensor
        switch order {
        case 1: kept = abs(self).sum(alongAxes: axes, keepingDims: true)
        // Of nothing the greatest size is 0, though the greatest number is −∞.
        case .infinity: kept = axes.contains { shape[$0] == 0 } ? .zeros(shape.reduced(along: axes), device: device) : abs(self).max(alongAxes: axes, keepingDims: true)
        case -.infinity: kept = abs(self).min(alongAxes: axes, keepingDims: true)
        case 0: kept = (self .!= 0).as(dtype).sum(alongAxes: axes, keepingDims: true)
        case 2: kept = euclideanNorm(axes)
        default:
            guard !order.isNaN else { programError("norm", "an order of NaN", file: file, line: line) }
            kept = norm(ofOrder: order, axes)
        }
        return keepingDims ? kept : kept.dropping(axes)
    }

    private func euclideanNorm(_ axes: [Int]) -> Tensor {
        withCustomGradient(of: self) { x in
            let unit = x.greatestSize(axes)
            return sqrt(square(x / unit).sum(alongAxes: axes, keepingDims: true)) * unit
        } pullback: { gradient, x, norm in
            gradient * (x / norm).replacing(with: 0, where: norm .== 0)
        }
    }

    private func norm(ofOrder order: Double, _ axes: [Int]) -> Tensor {
        withCustomGradient(of: self) { x in
            let unit = order < 0 ? x.leastSize(axes) : x.greatestSize(axes)
            return pow(pow(abs(x) / unit, order).sum(alongAxes: axes, keepingDims: true), 1 / order) * unit
        } pullback: { gradient, x, norm in
            let quotient = abs(x) / norm
            // Of an order below 0 what is larger than the norm by more than a number can tell has no share.
            let isFlat = order < 0 ? (norm .== 0) .|| (x .== 0) .|| (quotient .== .infinity) : (norm .== 0) .|| (x .== 0)
            return gradient * (sign(x) * pow(quotient, order - 1)).replacing(with: 0, where: isFlat)
        }
    }

    /// The greatest |x|; 1 where that is 0 or no number to divide by.
    private func greatestSize(_ axes: [Int]) -> Tensor {
        abs(self).max(alongAxes: axes, keepingDims: true).asUnit
    }

    /// The least |x|; 1 where that is 0 or no number to divide by.
    private func leastSize(_ axes: [Int]) -> Tensor {
        abs(self).min(alongAxes: axes, keepingDims: true).asUnit
    }

    private var asUnit: Tensor { replacing(with: 1, where: .!((self .> 0) .&& isFinite)) }
}

/// The cosine Σ a·b / (‖a‖ ‖b‖) of the angle between vectors along an axis, which goes; a and b broadcast.
/// - Parameter epsilon: what each norm is at least.
public func cosineSimilarity(
    _ a: Tensor, _ b: Tensor, alongAxis axis: Int = -1, epsilon: Double = 1e-8, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    func unit(_ x: Tensor) -> Tensor { x / maximum(x.norm(alongAxes: axis, keepingDims: true, file: file, line: line), epsilon) }
    let shape = Tensor.broadcastShape("cosineSimilarity", a, b)
    return (unit(a.repeated(to: shape)) * unit(b.repeated(to: shape))).sum(alongAxes: axis)
}

/// The norm ‖a − b + ε‖ of the difference of vectors along an axis, which goes; a and b broadcast.
/// - Parameters:
///   - order: of the norm.
///   - epsilon: ε, which keeps the gradient of equal vectors from 0 by 0, as PyTorch has it.
public func pairwiseDistance(
    _ a: Tensor, _ b: Tensor, order: Double = 2, epsilon: Double = 1e-6, alongAxis axis: Int = -1, keepingDims: Bool = false,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    (a - b + epsilon).norm(order: order, alongAxes: axis, keepingDims: keepingDims, file: file, line: line)
}
