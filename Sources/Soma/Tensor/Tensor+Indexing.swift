import SomaGraph

// Elements by indices that are themselves tensors.

extension Tensor {
    /// The slices at `indices` (integers, any shape) along `axis`, which the axes of the indices replace: of [5, 7] and indices
    /// [2, 3] along axis 0 this is [2, 3, 7]. An index out of range gives NaN, or 0 in an integer.
    public func gathered(
        atIndices indices: Tensor, alongAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "gather", file: file, line: line)
        return Tensor(node: .gather(node, indices.asIndices("gather", file, line).node, axis: axis))
    }

    /// This tensor with each slice of `updates` added at its index, in the order of the indices; `updates` has the shape that
    /// `gathered` gives. An index out of range is dropped.
    public func scatteredAdd(
        _ updates: Tensor, atIndices indices: Tensor, alongAxis axis: Int = 0, file: StaticString = #fileID,
        line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "scatterAdd", file: file, line: line)
        let indices = indices.asIndices("scatterAdd", file, line)
        guard updates.shape == Node.gatherShape(shape, indices.shape, axis), updates.dtype == dtype, dtype != .bool
        else {
            programError(
                "scatterAdd",
                "updates \(updates.dtype) \(updates.shape) for \(dtype) \(shape), indices \(indices.shape), axis \(axis)",
                file: file, line: line)
        }
        return Tensor(node: .scatterAdd(node, indices.node, updates.node, axis: axis))
    }

    /// Along a new last axis 1 where the position equals the index, 0 elsewhere: [n] → [n, depth].
    public func oneHot(
        depth: Int, dtype: DType = .float32, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard self.dtype.isInteger else {
            programError("oneHot", "indices are \(self.dtype), not integers", file: file, line: line)
        }
        guard depth >= 0 else { programError("oneHot", "a depth of \(depth)", file: file, line: line) }
        // A uint8 could not count the positions of a greater depth.
        let indices = self.dtype == .uint8 ? self.as(.int32) : self
        return (indices.expandingDims(at: -1) .== .range(depth, dtype: indices.dtype, device: device)).as(dtype)
    }

    /// The element at an index of its own in each row along the last axis: x [..., n], indices [...] → [...]. An index out of range gives
    /// NaN, or 0 in an integer.
    public func picked(atIndices indices: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank > 0, indices.shape.dimensions == Array(shape.dimensions.dropLast()), indices.dtype.isInteger else {
            programError("pick", "indices \(indices.dtype) \(indices.shape) for shape \(shape)", file: file, line: line)
        }
        // A uint8 could not be compared with a greater extent.
        let (places, extent) = (indices.dtype == .uint8 ? indices.as(.int32) : indices, shape[rank - 1])
        let isPicked = places.oneHot(depth: extent, dtype: .bool)
        let elements = Tensor.select(isPicked, self, operand(0, "pick")).sum(alongAxes: [rank - 1]).as(dtype)
        guard dtype.isFloatingPoint else { return elements }
        return .select((places .>= 0) .&& (places .< Double(extent)), elements, operand(.nan, "pick"))
    }

    /// The block of `shape` at `starts` (integers, one for each axis), whose values are known only when the program runs; starts
    /// are clamped so that the block fits.
    public func dynamicSlice(
        at starts: Tensor, shape: Shape, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireStarts(starts, shape, "dynamicSlice", file, line)
        return Tensor(node: .dynamicSlice(node, starts: starts.asIndices("dynamicSlice", file, line).node, shape: shape))
    }

    /// This tensor with the block at `starts` (integers, one for each axis) replaced by `update`; starts are clamped so that the
    /// block fits.
    public func updatingSlice(
        at starts: Tensor, with update: Tensor, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireStarts(starts, update.shape, "updateSlice", file, line)
        guard update.dtype == dtype else {
            programError("updateSlice", "a \(update.dtype) update of \(dtype)", file: file, line: line)
        }
        return Tensor(node: .updateSlice(node, update.node, starts: starts.asIndices("updateSlice", file, line).node))
    }

    /// These indices as int32; one that int32 cannot hold becomes its nearest number, which is as far out of range.
    func asIndices(_ operation: String, _ file: StaticString, _ line: UInt) -> Tensor {
        switch dtype {
        case .int32: return self
        case .uint8: return self.as(.int32)
        case .uint32: return minimum(self, Int32.max).as(.int32)
        case .int64: return clamped(to: Int(Int32.min)...Int(Int32.max)).as(.int32)
        case .float32, .bool: programError(operation, "indices are \(dtype), not integers", file: file, line: line)
        }
    }

    private func requireStarts(
        _ starts: Tensor, _ block: Shape, _ operation: String, _ file: StaticString, _ line: UInt
    ) {
        guard starts.shape == [rank] else {
            programError(operation, "starts must be integers [\(rank)], not \(starts.dtype) \(starts.shape)", file: file, line: line)
        }
        guard block.rank == rank, zip(block.dimensions, shape.dimensions).allSatisfy({ $0 <= $1 }) else {
            programError(operation, "a block of \(block) does not fit \(shape)", file: file, line: line)
        }
    }
}
