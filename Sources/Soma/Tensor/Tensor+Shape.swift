import SomaGraph

// Another shape for the same elements. None of these copies anything where strides can express the result.

extension Tensor {
    /// The same elements, row-major, in `dimensions`; one extent may be −1: what is left over.
    public func reshaped(to dimensions: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard let open = dimensions.firstIndex(of: -1) else {
            return reshaped(to: Shape(dimensions), file: file, line: line)
        }
        var filled = dimensions
        filled[open] = 1
        let rest = filled.contains { $0 < 0 } ? 0 : Shape(filled).count
        guard rest > 0, count % rest == 0 else {
            programError("reshape", "\(count) elements of \(shape) do not fill \(dimensions)", file: file, line: line)
        }
        filled[open] = count / rest
        return reshaped(to: Shape(filled), file: file, line: line)
    }

    /// The same elements, row-major, in `shape`, which must have as many.
    public func reshaped(to shape: Shape, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard shape.count == count else {
            programError("reshape", "\(count) elements of \(self.shape) do not fill \(shape)", file: file, line: line)
        }
        return Tensor(node: .reshape(node, to: shape))
    }

    /// All axes from `axis` on as one: `[2, 3, 4].flattened(fromAxis: 1)` is `[2, 12]`.
    public func flattened(fromAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let first = axis == rank ? rank : normalized(axis: axis, "flatten", file: file, line: line)
        let kept = shape.dimensions[..<first]
        return Tensor(node: .reshape(node, to: Shape(kept + [shape.dimensions[first...].reduce(1, *)])))
    }

    /// Axis i of the result is axis `axes[i]` of this tensor.
    public func permuted(axes: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let order = normalized(axes: axes, "permute", file: file, line: line)
        guard order.count == rank else {
            programError("permute", "axes \(axes) are no permutation of the axes of \(shape)", file: file, line: line)
        }
        return Tensor(node: .permute(node, axes: order))
    }

    /// A matrix, or each matrix of a batch, transposed: the last two axes change places.
    public func transposed(file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        transposed(-2, -1, file: file, line: line)
    }

    /// Axes `a` and `b` change places.
    public func transposed(_ a: Int, _ b: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let first = normalized(axis: a, "transpose", file: file, line: line)
        let second = normalized(axis: b, "transpose", file: file, line: line)
        var order = Array(0..<rank)
        order.swapAt(first, second)
        return Tensor(node: .permute(node, axes: order))
    }

    /// Repeated to `shape` by the rule of broadcasting: shapes are aligned at the last axis, an extent of 1 stretches.
    public func expanded(to shape: Shape, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard Shape.broadcast(self.shape, shape) == shape else {
            programError("expand", "\(self.shape) does not expand to \(shape)", file: file, line: line)
        }
        return repeated(to: shape)
    }

    /// Without the axes of extent 1.
    public func squeezed() -> Tensor { dropping(shape.dimensions.indices.filter { shape[$0] == 1 }) }

    /// Without `axes`, which must have extent 1.
    public func squeezed(alongAxes axes: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let positions = normalized(axes: axes, "squeeze", file: file, line: line)
        guard positions.allSatisfy({ shape[$0] == 1 }) else {
            programError("squeeze", "axes \(axes) of \(shape) do not all have extent 1", file: file, line: line)
        }
        return dropping(positions)
    }

    /// With a further axis of extent 1 that comes to stand at `axis`.
    public func expandingDims(at axis: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        var dimensions = shape.dimensions
        dimensions.insert(1, at: normalized(axis: axis, "expandingDims", limit: rank + 1, file: file, line: line))
        return Tensor(node: .reshape(node, to: Shape(dimensions)))
    }

    /// The same elements in memory of their own, row-major: worth it before a view is read many times. Within a program they are computed once, so
    /// that all who read them see the same bits.
    public func contiguous() -> Tensor { Tensor(node: .contiguous(node)) }
}
