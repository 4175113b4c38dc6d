import SomaGraph

// Tensors put together, taken apart, repeated and turned round.

extension Tensor {
    /// `parts` one behind the other along an axis that they all have.
    public init(
        concatenating parts: [Tensor], alongAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard let first = parts.first else {
            programError("concatenate", "nothing to concatenate", file: file, line: line)
        }
        let axis = first.normalized(axis: axis, "concatenate", file: file, line: line)
        for part in parts where part.dtype != first.dtype || !part.fits(beside: first, exceptAlong: axis) {
            programError(
                "concatenate", "\(part.dtype) \(part.shape) beside \(first.dtype) \(first.shape) along axis \(axis)",
                file: file, line: line)
        }
        node = .concatenate(parts.map(\.node), axis: axis)
    }

    /// `parts`, all of one shape, along a new axis that comes to stand at `axis`.
    public init(stacking parts: [Tensor], alongAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line) {
        guard let first = parts.first else { programError("stack", "nothing to stack", file: file, line: line) }
        let axis = first.normalized(axis: axis, "stack", limit: first.rank + 1, file: file, line: line)
        for part in parts where part.shape != first.shape || part.dtype != first.dtype {
            programError(
                "stack", "\(part.dtype) \(part.shape) beside \(first.dtype) \(first.shape)", file: file, line: line)
        }
        node = .concatenate(parts.map { $0.expandingDims(at: axis).node }, axis: axis)
    }

    private func fits(beside other: Tensor, exceptAlong axis: Int) -> Bool {
        rank == other.rank && shape.reduced(along: [axis]) == other.shape.reduced(along: [axis])
    }

    /// `count` parts of equal size along `axis`, whose extent `count` must divide.
    public func split(
        into count: Int, alongAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> [Tensor] {
        let axis = normalized(axis: axis, "split", file: file, line: line)
        guard count > 0, shape[axis] % count == 0 else {
            programError("split", "\(count) equal parts of axis \(axis) of \(shape)", file: file, line: line)
        }
        return split(
            sizes: [Int](repeating: shape[axis] / count, count: count), alongAxis: axis, file: file, line: line)
    }

    /// Parts of the given sizes along `axis`, whose extent they add up to.
    public func split(
        sizes: [Int], alongAxis axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> [Tensor] {
        let axis = normalized(axis: axis, "split", file: file, line: line)
        guard sizes.allSatisfy({ (0...shape[axis]).contains($0) }), sizes.reduce(0, +) == shape[axis] else {
            programError("split", "sizes \(sizes) do not add up to axis \(axis) of \(shape)", file: file, line: line)
        }
        var starts = [Int](repeating: 0, count: rank)
        var dimensions = shape.dimensions
        return sizes.map { size in
            defer { starts[axis] += size }
            dimensions[axis] = size
            return block(at: starts, of: Shape(dimensions))
        }
    }

    /// The elements in reverse order along each of `axes` (along all of them unless named).
    public func flipped(alongAxes axes: Int..., file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        let turned = axes.isEmpty ? Array(0..<rank) : normalized(axes: axes, "flip", file: file, line: line)
        let isTurned = (0..<rank).map { turned.contains($0) && shape[$0] > 0 }
        let starts = (0..<rank).map { isTurned[$0] ? shape[$0] - 1 : 0 }
        return Tensor(node: .slice(node, starts: starts, counts: shape.dimensions, steps: isTurned.map { $0 ? -1 : 1 }))
    }

    /// The whole tensor `counts[i]` times along axis i.
    public func tiled(_ counts: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard counts.count == rank, counts.allSatisfy({ $0 >= 0 }) else {
            programError("tile", "counts \(counts) for shape \(shape)", file: file, line: line)
        }
        return copied(to: { [counts[$0], shape[$0]] }, stretching: { [1, shape[$0]] })
    }

    /// Each element `count` times in a row along `axis`.
    public func repeated(
        _ count: Int, alongAxis axis: Int, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let axis = normalized(axis: axis, "repeat", file: file, line: line)
        guard count >= 0 else { programError("repeat", "\(count) times", file: file, line: line) }
        func parts(_ count: Int) -> (Int) -> [Int] {
            { $0 == axis ? [shape[$0], count] : [shape[$0]] }
        }
        return copied(to: parts(count), stretching: parts(1))
    }

    /// Each axis written as several, of which those of extent 1 are stretched, and merged again.
    private func copied(to wide: (Int) -> [Int], stretching narrow: (Int) -> [Int]) -> Tensor {
        let axes = 0..<rank
        let separated = Node.reshape(node, to: Shape(axes.flatMap(narrow)))
        let repeated = Node.expand(separated, to: Shape(axes.flatMap(wide)))
        return Tensor(node: .reshape(repeated, to: Shape(axes.map { wide($0).reduce(1, *) })))
    }

    /// `value` around the tensor: `sizes[i].before` elements before axis i and `sizes[i].after` behind it.
    public func padded(
        _ sizes: [(before: Int, after: Int)], with value: Double = 0, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        guard sizes.count == rank, sizes.allSatisfy({ $0.before >= 0 && $0.after >= 0 }) else {
            programError("pad", "sizes \(sizes) for shape \(shape)", file: file, line: line)
        }
        return Tensor(
            node: .pad(node, before: sizes.map(\.before), after: sizes.map(\.after), value: operand(value, "pad").node))
    }
}
