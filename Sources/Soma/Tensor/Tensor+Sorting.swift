import SomaGraph

// Sorting along an axis, and what is read off sorted elements. NaN counts as the greatest element everywhere, as PyTorch has it.

extension Tensor {
    /// The elements along `axis` in ascending or descending order, and their indices (`int32`), both of this tensor's shape.
    ///
    /// The order is stable: equal elements, of which −0 and 0 are two, keep their order. NaN is last, and first in descending order. The gradient of a value
    /// goes to its element. Of any dtype; an axis of up to 2²⁹ elements. The work grows with n log²n.
    public func sorted(
        alongAxis axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> (values: Tensor, indices: Tensor) {
        let axis = sortableAxis(axis, "sorted", file, line)
        let order = order(alongAxis: axis, descending: descending)
        return (reordered(by: order, undoneBy: nil, alongAxis: axis), order)
    }

    /// The indices (`int32`, of this tensor's shape) along `axis` of the elements in ascending or descending order; see `sorted`.
    public func argsort(
        alongAxis axis: Int = -1, descending: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        order(alongAxis: sortableAxis(axis, "argsort", file, line), descending: descending)
    }

    /// The `count` greatest elements along `axis` in descending order, or the least ones in ascending order, and their indices (`int32`).
    ///
    /// Of equal elements the first come first; NaN counts as the greatest. The gradient of a value goes to its element.
    public func topK(
        _ count: Int, alongAxis axis: Int = -1, largest: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) -> (values: Tensor, indices: Tensor) {
        let axis = sortableAxis(axis, "topK", file, line)
        guard (0...shape[axis]).contains(count) else {
            programError("topK", "\(count) elements of axis \(axis) of \(shape)", file: file, line: line)
        }
        let order = order(alongAxis: axis, descending: largest)
        return (
            reordered(by: order, undoneBy: nil, alongAxis: axis).first(count, alongAxis: axis), order.first(count, alongAxis: axis)
        )
    }

    /// The lower of the two elements in the middle, or the one in the middle, along `axis` or of all elements, as PyTorch has it; NaN where any is NaN.
    ///
    /// `quantile(0.5)` is the mean of the two. The gradient goes to the element; of equal ones to the one that `sorted` puts there.
    public func median(
        alongAxis axis: Int? = nil, keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        statistic("median", axis, keepingDims, file, line) { $0.element(($0.count - 1) / 2) }
    }

    /// The value below which lies the fraction `q` of the elements along `axis`, or of all: at q·(n − 1) between the sorted elements, linearly
    /// interpolated, as NumPy and PyTorch have it; NaN where any element is NaN. Of real numbers.
    ///
    /// The gradient goes to the two neighbours by their shares.
    public func quantile(
        _ q: Double, alongAxis axis: Int? = nil, keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireFractions([q], file, line)
        return statistic("quantile", axis, keepingDims, file, line) { $0.quantile(q) }
    }

    /// Several quantiles, one for each position of a new first axis.
    public func quantiles(
        _ fractions: [Double], alongAxis axis: Int? = nil, keepingDims: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard !fractions.isEmpty else { programError("quantiles", "no fractions", file: file, line: line) }
        requireFractions(fractions, file, line)
        var parts: [Tensor] = []
        _ = statistic("quantiles", axis, keepingDims, file, line) { sorted in
            parts = fractions.map(sorted.quantile)
            return parts[0]
        }
        let shape = parts[0].shape
        return Tensor(stacking: parts).reshaped(to: Shape([fractions.count] + shape.dimensions))
    }
}

/// Elements in ascending order along an axis, which shall become one.
private struct SortedElements {
    let values: Tensor
    let axis: Int
    var count: Int { values.shape[axis] }

    /// The element at a place in the order, the axis kept; a NaN where any element is, to which the gradient then goes.
    func element(_ place: Int) -> Tensor {
        let (element, last) = (at(place), at(count - 1))
        guard values.dtype.isFloatingPoint else { return element }
        return element.replacing(with: last, where: last.isNaN)
    }

    func quantile(_ q: Double) -> Tensor {
        let place = q * Double(count - 1)
        let (lower, share) = (Int(place), place - place.rounded(.down))
        if share == 0 { return element(lower) }
        return element(lower) * (1 - share) + element(lower + 1) * share
    }

    private func at(_ place: Int) -> Tensor {
        var starts = [Int](repeating: 0, count: values.rank)
        starts[axis] = place
        return values.block(at: starts, of: values.shape.reduced(along: [axis]))
    }
}

extension Tensor {
    private func sortableAxis(_ axis: Int, _ operation: String, _ file: StaticString, _ line: UInt) -> Int {
        let axis = normalized(axis: axis, operation, file: file, line: line)
        guard shape[axis] <= 1 << 29 else {
            programError(operation, "axis \(axis) of \(shape) has more elements than can be sorted, which are 2^29", file: file, line: line)
        }
        return axis
    }

    private func requireFractions(_ fractions: [Double], _ file: StaticString, _ line: UInt) {
        requireReal("quantile", file, line)
        for q in fractions where !(0...1).contains(q) { programError("quantile", "a fraction of \(q)", file: file, line: line) }
    }

    private func statistic(
        _ operation: String, _ axis: Int?, _ keepingDims: Bool, _ file: StaticString, _ line: UInt, _ function: (SortedElements) -> Tensor
    ) -> Tensor {
        guard let axis else {
            let one = reshaped(to: [count]).statistic(operation, 0, false, file, line, function)
            return keepingDims ? one.reshaped(to: shape.reduced(along: Array(0..<rank))) : one
        }
        let place = sortableAxis(axis, operation, file, line)
        guard shape[place] > 0 else { programError(operation, "axis \(axis) of \(shape) is empty", file: file, line: line) }
        let values = reordered(by: order(alongAxis: place, descending: false), undoneBy: nil, alongAxis: place)
        let kept = function(SortedElements(values: values, axis: place))
        return keepingDims ? kept : kept.dropping([place])
    }

    private func first(_ count: Int, alongAxis axis: Int) -> Tensor {
        var dimensions = shape.dimensions
        dimensions[axis] = count
        return block(at: [Int](repeating: 0, count: rank), of: Shape(dimensions))
    }

    /// The elements at `order`, a permutation along `axis`. The gradient is put in order by the inverse permutation, which takes no sums.
    /// - Parameter inverse: found when it is needed, unless it is known.
    private func reordered(by order: Tensor, undoneBy inverse: Tensor?, alongAxis axis: Int) -> Tensor {
        guard dtype.isFloatingPoint else { return picked(atIndices: order, alongAxis: axis) }
        return withCustomGradient(of: self) { x in
            x.picked(atIndices: order, alongAxis: axis)
        } pullback: { gradient, _, _ in
            let inverse = inverse ?? order.order(alongAxis: axis, descending: false)
            return gradient.reordered(by: inverse, undoneBy: order, alongAxis: axis)
        }
    }
}
