import SomaGraph

// Reductions. `alongAxes:` names the axes, counted from the back where negative; without it all axes are meant.
// `keepingDims:` leaves the reduced axes with extent 1, so that the result broadcasts against the argument.
//
// Sums and products of `bool` and `uint8` are `int32`. Those of other integers keep their dtype and wrap round where it cannot hold
// them: cast to `int64` first.

extension Tensor {
    /// The sum; 0 of nothing. Of `bool` and `uint8` it is `int32`; other integers wrap round.
    public func sum(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.sum, axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The sum along each of `axes`.
    public func sum(
        alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.sum, axes, keepingDims, file, line)
    }

    /// The product; 1 of nothing. Of `bool` and `uint8` it is `int32`; other integers wrap round.
    public func product(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.product, axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The product along each of `axes`.
    public func product(
        alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.product, axes, keepingDims, file, line)
    }

    /// The greatest element, NaN if any is NaN; of nothing the lowest value of the dtype. Ties share the gradient evenly.
    public func max(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.max, axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The greatest element along `axes`.
    public func max(
        alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.max, axes, keepingDims, file, line)
    }

    /// The least element, NaN if any is NaN; of nothing the highest value of the dtype. Ties share the gradient evenly.
    public func min(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.min, axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The least element along `axes`.
    public func min(
        alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        reduced(.min, axes, keepingDims, file, line)
    }

    /// The arithmetic mean of real numbers; NaN of nothing.
    public func mean(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        averaged(axes.isEmpty ? nil : axes, keepingDims, file, line)
    }
    /// The arithmetic mean along `axes`.
    public func mean(
        alongAxes axes: [Int], keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        averaged(axes, keepingDims, file, line)
    }

    /// The index (`int32`) of the first greatest element along `axis`, or in the flattened tensor. NaN counts as the greatest.
    public func argmax(
        alongAxis axis: Int? = nil, keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        indexed(.argmax, axis, keepingDims, file, line)
    }

    /// The index (`int32`) of the first least element along `axis`, or in the flattened tensor. NaN counts as the least.
    public func argmin(
        alongAxis axis: Int? = nil, keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        indexed(.argmin, axis, keepingDims, file, line)
    }

    /// Whether any element is not zero (or is true); false of nothing.
    public func any(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        self.as(.bool).as(.uint8).reduced(.max, axes.isEmpty ? nil : axes, keepingDims, file, line).as(.bool)
    }

    /// Whether every element is not zero (or is true); true of nothing.
    public func all(
        alongAxes axes: Int..., keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        self.as(.bool).as(.uint8).reduced(.min, axes.isEmpty ? nil : axes, keepingDims, file, line).as(.bool)
    }
}

extension Tensor {
    /// The mean squared deviation from the mean. `unbiased` divides by n − 1 in place of n.
    public func variance(
        alongAxes axes: Int..., unbiased: Bool = false, keepingDims: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        variance(axes.isEmpty ? nil : axes, unbiased, keepingDims, file, line)
    }
    /// The variance along `axes`.
    public func variance(
        alongAxes axes: [Int], unbiased: Bool = false, keepingDims: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        variance(axes, unbiased, keepingDims, file, line)
    }

    /// The square root of the variance, of numbers whose squares are beyond float32 too. Where that is 0 the gradient is taken to be 0.
    public func standardDeviation(
        alongAxes axes: Int..., unbiased: Bool = false, keepingDims: Bool = false, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        requireReal("standardDeviation", file, line)
        let axes = axes.isEmpty ? Array(0..<rank) : normalized(axes: axes, "standardDeviation", file: file, line: line)
        let count = axes.reduce(1) { $0 * shape[$1] }
        // About the rounded mean first, as the mean of numbers far from 0 is rounded.
        let distances = self - roundedMean(alongAxes: axes)
        let deviations = distances - distances.mean(alongAxes: axes, keepingDims: true)
        return deviations.norm(alongAxes: axes, keepingDims: keepingDims) / Double(unbiased ? count - 1 : count).squareRoot()
    }
}

// MARK: - What they share

extension Tensor {
    func reduced(
        _ operation: ReduceOperation, _ axes: [Int]?, _ keepingDims: Bool, _ file: StaticString, _ line: UInt
    ) -> Tensor {
        if (operation == .sum || operation == .product) && (dtype == .bool || dtype == .uint8) {
            return self.as(.int32).reduced(operation, axes, keepingDims, file, line)
        }
        if dtype == .bool {
            programError("\(operation)", "not defined for bool; cast with `as(_:)` first", file: file, line: line)
        }
        let axes = axes.map { normalized(axes: $0, "\(operation)", file: file, line: line) } ?? Array(0..<rank)
        let kept = Tensor(node: .reduce(operation, node, axes: axes))
        return keepingDims ? kept : kept.dropping(axes)
    }

    private func averaged(_ axes: [Int]?, _ keepingDims: Bool, _ file: StaticString, _ line: UInt) -> Tensor {
        requireReal("mean", file, line)
        return reduced(.sum, axes, keepingDims, file, line).divided(by: elements(along: axes, file, line))
    }

    /// x / n; for a power of two, whose reciprocal is exact, by the faster product.
    private func divided(by n: Int) -> Tensor {
        n > 0 && n & (n - 1) == 0 ? self * (1 / Double(n)) : self / Double(n)
    }

    private func variance(
        _ axes: [Int]?, _ unbiased: Bool, _ keepingDims: Bool, _ file: StaticString, _ line: UInt
    ) -> Tensor {
        requireReal("variance", file, line)
        let count = elements(along: axes, file, line)
        let reduced = axes.map { normalized(axes: $0, "variance", file: file, line: line) } ?? Array(0..<rank)
        // About the rounded mean, whose distance from the mean is taken out again: beside numbers far from 0 it would count.
        let moments = Moments(of: self, alongAxes: reduced, around: roundedMean(alongAxes: reduced))
        let variance = unbiased ? moments.variance * (Double(count) / Double(count - 1)) : moments.variance
        return keepingDims ? variance : variance.dropping(reduced)
    }

    /// A number near the mean of each set, of equal numbers these, without a sum that is beyond all numbers where they are not.
    private func roundedMean(alongAxes axes: [Int]) -> Tensor {
        let x = withoutGradient()
        let count = axes.reduce(1) { $0 * shape[$1] }
        if count == 0 { return Tensor(0, device: device) }
        let first = x.block(at: shape.dimensions.map { _ in 0 }, of: shape.reduced(along: axes))
        // Distances that overflow are all of one sign, so that their sum is no NaN; the variance is ∞ then.
        let distances = (x - first) * (1 / Double(count))
        return first + distances.sum(alongAxes: axes, keepingDims: true)
    }

    private func indexed(
        _ operation: ReduceOperation, _ axis: Int?, _ keepingDims: Bool, _ file: StaticString, _ line: UInt
    ) -> Tensor {
        guard let axis else {
            let flat = Tensor(node: .reshape(node, to: [count])).indexed(operation, 0, false, file, line)
            return keepingDims ? Tensor(node: .reshape(flat.node, to: Shape([Int](repeating: 1, count: rank)))) : flat
        }
        let position = normalized(axis: axis, "\(operation)", file: file, line: line)
        guard shape[position] > 0 else {
            programError("\(operation)", "axis \(axis) of \(shape) is empty", file: file, line: line)
        }
        return reduced(operation, [position], keepingDims, file, line)
    }

    private func elements(along axes: [Int]?, _ file: StaticString, _ line: UInt) -> Int {
        guard let axes else { return count }
        return normalized(axes: axes, "mean", file: file, line: line).reduce(1) { $0 * shape[$1] }
    }

    func requireReal(_ operation: @autoclosure () -> String, _ file: StaticString, _ line: UInt) {
        if !dtype.isFloatingPoint {
            programError(operation(), "not defined for \(dtype); cast with `as(_:)` first", file: file, line: line)
        }
    }

    /// Without `axes`, whose extents are 1.
    func dropping(_ axes: [Int]) -> Tensor {
        let dimensions = shape.dimensions.indices.filter { !axes.contains($0) }.map { shape[$0] }
        return Tensor(node: .reshape(node, to: Shape(dimensions)))
    }
}
