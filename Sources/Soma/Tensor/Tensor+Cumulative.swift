import SomaGraph

// Running sums, products and extremes along an axis, by scans that double their reach:
// W. D. Hillis and G. L. Steele, *Data Parallel Algorithms*, CACM 29, 1986. log n steps of n operations; sums round as those of pairs do.

extension Tensor {
    /// The sum of each element and all before it along `axis`, of this tensor's shape; of `bool` and `uint8` it is `int32`, other integers wrap round.
    ///
    /// An infinity or NaN goes to what comes after it and to nothing before.
    /// - Parameters:
    ///   - exclusive: without the element itself; the first is 0.
    ///   - reversed: of each element and all after it.
    public func cumulativeSum(
        alongAxis axis: Int, exclusive: Bool = false, reversed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "cumulativeSum", file: file, line: line)
        let scan = Scan(axis: axis, isExclusive: exclusive, isReversed: reversed)
        return dtype.isFloatingPoint ? summed(scan) : widened.scanned(scan, from: 0) { $0 + $1 }
    }

    /// The product of each element and all before it along `axis`, of this tensor's shape; of `bool` and `uint8` it is `int32`, other integers
    /// wrap round. The gradient takes no division, so it is right beside zeros.
    /// - Parameters:
    ///   - exclusive: without the element itself; the first is 1.
    ///   - reversed: of each element and all after it.
    public func cumulativeProduct(
        alongAxis axis: Int, exclusive: Bool = false, reversed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "cumulativeProduct", file: file, line: line)
        return widened.scanned(Scan(axis: axis, isExclusive: exclusive, isReversed: reversed), from: 1) { $0 * $1 }
    }

    /// The greatest of each element and all before it along `axis`, of this tensor's shape; NaN from the first NaN on.
    ///
    /// The gradient goes to that element, of equal ones to the last, as PyTorch has it.
    /// - Parameter reversed: of each element and all after it.
    public func cumulativeMaximum(
        alongAxis axis: Int, reversed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        runningExtreme(Scan(axis: normalized(axis: axis, "cumulativeMaximum", file: file, line: line), isReversed: reversed)) { $0 .> $1 }
    }

    /// The least of each element and all before it along `axis`, of this tensor's shape; NaN from the first NaN on.
    ///
    /// The gradient goes to that element, of equal ones to the last, as PyTorch has it.
    /// - Parameter reversed: of each element and all after it.
    public func cumulativeMinimum(
        alongAxis axis: Int, reversed: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        runningExtreme(Scan(axis: normalized(axis: axis, "cumulativeMinimum", file: file, line: line), isReversed: reversed)) { $0 .< $1 }
    }
}

private struct Scan: Sendable {
    let axis: Int
    var isExclusive = false
    var isReversed = false
}

extension Tensor {
    /// Small integers as their sums are.
    private var widened: Tensor { dtype == .bool || dtype == .uint8 ? self.as(.int32) : self }

    /// The gradient of a running sum is the running sum from the other end.
    private func summed(_ scan: Scan) -> Tensor {
        withCustomGradient(of: self) { x in
            x.scanned(scan, from: 0) { $0 + $1 }
        } pullback: { gradient, _, _ in
            gradient.summed(Scan(axis: scan.axis, isExclusive: scan.isExclusive, isReversed: !scan.isReversed))
        }
    }

    private func scanned(_ scan: Scan, from identity: Double, _ combine: (Tensor, Tensor) -> Tensor) -> Tensor {
        var result = scan.isExclusive ? moved(scan, by: 1, filling: identity) : self
        var reach = 1
        while reach < shape[scan.axis] {
            // In memory after each step: in the next one each element is read twice.
            result = combine(result.moved(scan, by: reach, filling: identity), result).contiguous()
            reach *= 2
        }
        return result
    }

    /// Carries along the place of the extreme, from which the value is then picked.
    private func runningExtreme(_ scan: Scan, _ exceeds: (Tensor, Tensor) -> Tensor) -> Tensor {
        let extent = shape[scan.axis]
        var dimensions = [Int](repeating: 1, count: rank)
        dimensions[scan.axis] = extent
        var places = Tensor.range(extent, device: device).reshaped(to: Shape(dimensions)).expanded(to: shape)
        var keys = withoutGradient()
        var reach = 1
        while reach < extent {
            let (earlier, place) = (keys.moved(scan, by: reach, filling: 0), places.moved(scan, by: reach, filling: -1))
            var wins = exceeds(earlier, keys)
            if dtype.isFloatingPoint { wins = wins .|| earlier.isNaN .&& .!keys.isNaN }
            wins = (place .>= 0) .&& wins
            (keys, places) = (Tensor.select(wins, earlier, keys).contiguous(), Tensor.select(wins, place, places).contiguous())
            reach *= 2
        }
        return picked(atIndices: places, alongAxis: scan.axis)
    }

    /// Moved by `distance` along the axis in the direction of the scan; `fill` comes in.
    private func moved(_ scan: Scan, by distance: Int, filling fill: Double) -> Tensor {
        let distance = Swift.min(distance, shape[scan.axis])
        var (starts, dimensions) = ([Int](repeating: 0, count: rank), shape.dimensions)
        dimensions[scan.axis] -= distance
        if scan.isReversed { starts[scan.axis] = distance }
        let margin = (0..<rank).map { axis in
            axis == scan.axis ? (scan.isReversed ? (before: 0, after: distance) : (before: distance, after: 0)) : (before: 0, after: 0)
        }
        return block(at: starts, of: Shape(dimensions)).padded(margin, with: fill)
    }
}
