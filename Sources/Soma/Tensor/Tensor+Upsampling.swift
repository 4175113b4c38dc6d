import SomaGraph

/// How elements are found when the extents of spatial axes change.
public enum Interpolation: Hashable, Sendable {
    /// Element o of m is element ⌊o·n / m⌋ of n.
    case nearest
    /// On the straight line between the two neighbours, along each axis: bilinear over two.
    ///
    /// Elements are cells of equal size, and the outermost edges stay where they are: element o of m lies at (o + ½)·n / m − ½. With
    /// `alignsCorners` they are points, and the first and the last stay where they are: o·(n − 1) / (m − 1).
    case linear(alignsCorners: Bool = false)
}

extension Tensor {
    /// [N, C, spatial…] with other extents of the spatial axes, which may be smaller too.
    /// - Parameter extents: one for each spatial axis.
    public func upsampled(
        to extents: [Int], _ interpolation: Interpolation = .nearest, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireReal("upsampled", file, line)
        let old = Array(shape.dimensions.dropFirst(2))
        guard rank >= 3, extents.count == old.count, extents.allSatisfy({ $0 > 0 }), old.allSatisfy({ $0 > 0 }) else {
            programError("upsampled", "extents \(extents) for \(shape)", file: file, line: line)
        }
        let changed = old.indices.filter { extents[$0] != old[$0] }
        switch interpolation {
        case .nearest:
            let factors = zip(extents, old).map { $0 % $1 == 0 ? $0 / $1 : 1 }
            let others = changed.filter { factors[$0] == 1 }
            return others.reduce(self) { $0.picked(axis: $1 + 2, extents[$1]) }.repeatedSpatially(factors)
        case .linear(let alignsCorners):
            return changed.reduce(self) { $0.interpolated(axis: $1 + 2, extents[$1], alignsCorners) }
        }
    }

    /// [N, C, spatial…] with every spatial extent multiplied.
    /// - Parameter factors: one for all spatial axes, or one for each.
    public func upsampled(
        by factors: [Int], _ interpolation: Interpolation = .nearest, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let old = Array(shape.dimensions.dropFirst(2))
        let all = factors.count == 1 ? [Int](repeating: factors[0], count: old.count) : factors
        let products = zip(old, all).map { $0.multipliedReportingOverflow(by: $1) }
        guard all.count == old.count, all.allSatisfy({ $0 > 0 }), products.allSatisfy({ !$0.overflow }) else {
            programError("upsampled", "factors \(factors) for \(shape)", file: file, line: line)
        }
        return upsampled(to: products.map(\.partialValue), interpolation, file: file, line: line)
    }

    /// Each element repeated along the spatial axes.
    ///
    /// Along the last one by as many copies with gaps between their elements: loops over a handful of equal elements take ten times as long.
    private func repeatedSpatially(_ factors: [Int]) -> Tensor {
        var factors = factors
        let last = factors[factors.count - 1]
        if (2...8).contains(last) {
            factors[factors.count - 1] = 1
            let wide = Tensor(stacking: [Tensor](repeating: self, count: last), alongAxis: rank)
            return wide.reshaped(to: Shape(shape.dimensions.dropLast() + [shape[rank - 1] * last])).repeatedSpatially(factors)
        }
        if factors.allSatisfy({ $0 == 1 }) { return self }
        func separated(_ factors: [Int]) -> Shape { Shape(shape.dimensions[..<2] + factors.indices.flatMap { [shape[$0 + 2], factors[$0]] }) }
        let wide = reshaped(to: separated(factors.map { _ in 1 })).expanded(to: separated(factors))
        return wide.reshaped(to: Shape(shape.dimensions[..<2] + factors.indices.map { shape[$0 + 2] * factors[$0] }))
    }

    /// The nearest elements along one axis.
    private func picked(axis: Int, _ extent: Int) -> Tensor {
        // int64: the products do not overflow.
        let places = Tensor.range(extent, dtype: .int64, device: device) * Double(shape[axis]) / Double(extent)
        return gathered(atIndices: places.as(.int32), alongAxis: axis)
    }

    /// The elements of one axis between two old ones each.
    private func interpolated(axis: Int, _ extent: Int, _ alignsCorners: Bool) -> Tensor {
        let (lower, position) = Tensor.neighbours(in: shape[axis], of: extent, alignsCorners, device)
        let upper = minimum(lower + 1, Double(shape[axis] - 1))
        let share = position.reshaped(to: Shape([extent] + [Int](repeating: 1, count: rank - axis - 1)))
        let (a, b) = (gathered(atIndices: lower, alongAxis: axis), gathered(atIndices: upper, alongAxis: axis))
        // An element without a share does not count, be it infinite.
        return .select(share .> 0, a * (1 - share) + b * share, a)
    }

    /// For each of `new` elements the one of `old` at or before its place (int32), and how far behind that it lies, from 0 to below 1.
    private static func neighbours(in old: Int, of new: Int, _ alignsCorners: Bool, _ device: Device) -> (lower: Tensor, position: Tensor) {
        // Places are whole multiples of 1 / unit, so that no rounding moves them.
        let unit = alignsCorners ? Swift.max(new - 1, 1) : 2 * new
        let number = Tensor.range(new, dtype: .int64, device: device)
        let places = alignsCorners ? number * Double(old - 1) : (number * 2 + 1) * Double(old) - Double(new)
        let inside = minimum(maximum(places, 0), Double(unit * (old - 1)))
        let lower = inside / Double(unit)
        return (lower.as(.int32), (inside - lower * Double(unit)).as(.float32) / Double(unit))
    }
}
