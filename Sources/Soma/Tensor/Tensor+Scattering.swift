import SomaGraph

// Elements taken from and put to an index of their own along an axis.

/// What becomes of an element to which updates are scattered.
public enum ScatterCombination: Sendable {
    /// The last update, in the order of the axis.
    case replace
    /// The sum of the element and the updates, in the order of the axis.
    case add
    /// The least and the greatest of the element and the updates; NaN if any is NaN.
    case minimum, maximum
}

extension Tensor {
    /// The element at an index of its own for each position: y[i][j][k] = x[i][index[i][j][k]][k] along axis 1, PyTorch's `gather`.
    ///
    /// `indices` (integers) has this tensor's rank, and its extents but for `axis`; y has the shape of the indices. An index out of range gives
    /// NaN, or 0 in an integer. The gradients that reach an element are added in the order of the positions.
    public func picked(
        atIndices indices: Tensor, alongAxis axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let places = elementPlaces(indices, axis, "picked", file, line)
        return reshaped(to: [count]).gathered(atIndices: places.flat.reshaped(to: indices.shape))
    }

    /// This tensor with each element of `updates` put to an index of its own along `axis`: y[i][index[i][j][k]][k] takes u[i][j][k] along
    /// axis 1, PyTorch's `scatter` and `scatter_reduce`.
    ///
    /// `indices` (integers) and `updates` (of this dtype) are of one shape, which is this tensor's but for the extent of `axis`. An index out of
    /// range is dropped. The same inputs give the same bits. Gradients: of `replace` to the update that stays; of `add` to all; of `minimum` and
    /// `maximum` to the extreme one, of equal updates the last, and half where the element equals it.
    public func scattered(
        _ updates: Tensor, atIndices indices: Tensor, alongAxis axis: Int, combining combination: ScatterCombination = .replace,
        file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let places = elementPlaces(indices, axis, "scattered", file, line)
        guard updates.shape == indices.shape, updates.dtype == dtype else {
            programError(
                "scattered", "updates \(updates.dtype) \(updates.shape) for \(dtype) \(shape), indices \(indices.shape)", file: file, line: line)
        }
        if count == 0 || updates.count == 0 { return self }
        if combination == .add {
            guard dtype != .bool else { programError("scattered", "bool does not add; cast with `as(_:)` first", file: file, line: line) }
            return reshaped(to: [count]).scatteredAdd(updates.reshaped(to: [updates.count]), atIndices: places.flat).reshaped(to: shape)
        }
        let winners = winners(of: updates, places, combination)
        let (hasUpdate, winner) = (winners .>= 0, updates.reshaped(to: [updates.count]).gathered(atIndices: winners))
        switch combination {
        case .replace, .add: return .select(hasUpdate, winner, self)
        case .minimum: return .select(hasUpdate, Soma.minimum(self, winner), self)
        case .maximum: return .select(hasUpdate, Soma.maximum(self, winner), self)
        }
    }
}

/// Where elements lie to which indices along an axis point.
private struct ElementPlaces {
    /// The indices, int32.
    var indices: Tensor
    /// Counted from the front.
    var axis: Int
    /// In the flattened tensor, int32 [count of the indices]; −1 for an index out of range.
    var flat: Tensor
}

extension Tensor {
    private func elementPlaces(
        _ indices: Tensor, _ axis: Int, _ operation: String, _ file: StaticString, _ line: UInt
    ) -> ElementPlaces {
        let axis = normalized(axis: axis, operation, file: file, line: line)
        let indices = indices.asIndices(operation, file, line)
        guard indices.rank == rank, indices.shape.reduced(along: [axis]) == shape.reduced(along: [axis]) else {
            programError(operation, "indices \(indices.shape) for \(shape) along axis \(axis)", file: file, line: line)
        }
        guard Swift.max(count, indices.count) <= Int(Int32.max) else {
            programError(operation, "\(Swift.max(count, indices.count)) elements; int32 counts them", file: file, line: line)
        }
        return ElementPlaces(indices: indices, axis: axis, flat: flatPlaces(indices, axis))
    }

    private func flatPlaces(_ indices: Tensor, _ axis: Int) -> Tensor {
        let outer = shape.dimensions[..<axis].reduce(1, *), inner = shape.dimensions[(axis + 1)...].reduce(1, *)
        let (extent, device) = (shape[axis], indices.device)
        if outer == 1 && inner == 1 { return indices.reshaped(to: [indices.count]) }
        let nested = indices.reshaped(to: [outer, indices.shape[axis], inner])
        let rows = Tensor.range(outer, device: device).reshaped(to: [outer, 1, 1]) * (extent * inner)
        let places = nested * inner + rows + .range(inner, device: device).reshaped(to: [1, 1, inner])
        let isInside = (nested .>= 0) .&& (nested .< extent)
        return Tensor.select(isInside, places, -1).reshaped(to: [indices.count])
    }

    /// For each of this tensor's elements the place in the flattened updates of that which stays, −1 where there is none.
    private func winners(of updates: Tensor, _ places: ElementPlaces, _ combination: ScatterCombination) -> Tensor {
        let (indices, axis) = (places.indices, places.axis)
        // Updates in the order of their indices, and of one index the winner last.
        var order: Tensor
        switch combination {
        case .replace, .add: order = indices.order(alongAxis: axis, descending: false)
        case .minimum, .maximum:
            let values = updates.orderForExtreme(combination, axis)
            let byIndex = indices.picked(atIndices: values, alongAxis: axis).order(alongAxis: axis, descending: false)
            order = values.picked(atIndices: byIndex, alongAxis: axis)
        }
        let sorted = indices.picked(atIndices: order, alongAxis: axis)
        var (starts, rest) = ([Int](repeating: 0, count: rank), sorted.shape.dimensions)
        (starts[axis], rest[axis]) = (1, rest[axis] - 1)
        let margin = (0..<rank).map { (before: 0, after: $0 == axis ? 1 : 0) }
        let isLast = sorted .!= sorted.block(at: starts, of: Shape(rest)).padded(margin, with: -1)
        let targets = flatPlaces(Tensor.select(isLast, sorted, -1), axis)
        let numbers = updates.flatPlaces(order, axis) + 1
        return (Tensor.zeros([count], dtype: .int32, device: device).scatteredAdd(numbers, atIndices: targets) - 1).reshaped(to: shape)
    }

    /// The order in which the extreme comes last; NaN is one.
    private func orderForExtreme(_ combination: ScatterCombination, _ axis: Int) -> Tensor {
        if combination == .maximum { return order(alongAxis: axis, descending: false) }
        return dtype.isFloatingPoint ? (-self).order(alongAxis: axis, descending: false) : order(alongAxis: axis, descending: true)
    }
}
