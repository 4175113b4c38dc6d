import SomaGraph

// A part of a tensor replaced: what other libraries do in place. No tensor changes; the result is another one.

extension Tensor {
    /// This tensor with the part that the subscript `self[indices…]` shows replaced by `update`, of the part's shape or one that broadcasts to it.
    ///
    ///     x.replacing(at: 0, with: row)                  the first row
    ///     x.replacing(at: .all, 2..<5, with: columns)
    ///     x.replacing(at: .every(2), with: Tensor(0))    every other row
    ///
    /// `x[0] = row` does the same to a variable. Gradients go to the update, and to this tensor where it stays.
    public func replacing(
        at indices: any TensorIndexing..., with update: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        replacing(at: indices.map(\.tensorIndex), with: update, file: file, line: line)
    }

    /// This tensor with a number, which its dtype must hold, in all of the part that the subscript `self[indices…]` shows: `x.replacing(at: 0, 1, with: 5)`.
    public func replacing<Number: TensorNumber>(
        at indices: any TensorIndexing..., with number: Number, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        replacing(at: indices.map(\.tensorIndex), with: operand(number, "replacing"), file: file, line: line)
    }

    /// This tensor with a part replaced, the places of the subscript in an array.
    public func replacing(
        at indices: [TensorIndex], with update: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let part = SubscriptPlan(shape, indices, file, line)
        let (block, visible) = (Shape(part.counts), Shape(part.resultDimensions))
        guard update.dtype == dtype, Shape.broadcast(update.shape, visible) == visible else {
            programError(
                "replacing", "\(update.dtype) \(update.shape) for a part \(dtype) \(visible) of \(shape)", file: file, line: line)
        }
        if block.count == 0 { return self }
        if rank == 0 { return update.reshaped(to: shape) }
        let elements = update.repeated(to: visible).reshaped(to: block)
        guard (0..<rank).allSatisfy({ part.steps[$0] == 1 || part.counts[$0] == 1 }) else {
            let isReplaced = Tensor.full(block, 1, dtype: .bool, device: device).spread(over: shape, starts: part.starts, steps: part.steps)
            return .select(isReplaced, elements.spread(over: shape, starts: part.starts, steps: part.steps), self)
        }
        let starts = Tensor(stacking: part.starts.map { Tensor($0, dtype: .int32, device: device) })
        return updatingSlice(at: starts, with: elements)
    }
}
