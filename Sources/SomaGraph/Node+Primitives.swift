// One function for each primitive: it checks shapes and dtypes, traps on a mistake in the name of the operation,
// and gives the new node. Broadcasting is not done here: inputs of maps have the node's shape or rank 0.

extension Node {
    /// One number that every element of a rank-0 tensor equals.
    public static func constant(_ value: Scalar, device: DeviceTag) -> Node {
        Node(.constant(value), .none, shape: .scalar, dtype: value.dtype, device: device)
    }

    /// The whole numbers 0 ..< count as int32.
    public static func range(_ count: Int, device: DeviceTag) -> Node {
        guard count >= 0 && count <= Int(Int32.max) else { programError("range", "a count of \(count) does not fit int32") }
        return Node(.range, .none, shape: [count], dtype: .int32, device: device)
    }

    /// Uniform 32-bit words; see `Primitive.random`.
    public static func random(_ shape: Shape, key0: Node, key1: Node, counter: Node) -> Node {
        for word in [key0, key1, counter] where word.dtype != .uint32 || word.shape.rank != 0 {
            programError("random", "key and counter must be uint32 of rank 0, not \(word.dtype) \(word.shape)")
        }
        requireOneDevice("random", key0, counter)
        return Node(.random, .three(key0, key1, counter), shape: shape, dtype: .uint32, device: key0.device)
    }

    /// y = f(x), elementwise, of the shape and dtype of `x`. Traps where the function is not defined for that dtype.
    public static func unary(_ function: UnaryFunction, _ x: Node) -> Node {
        guard function.accepts(x.dtype) else { programError("\(function)", "not defined for \(x.dtype)") }
        return Node(.unary(function), .one(x), shape: x.shape, dtype: x.dtype, device: x.device)
    }

    /// y = f(a, b), elementwise; a comparison gives `bool`. Traps unless dtypes and devices agree and shapes are equal or one has rank 0.
    public static func binary(_ function: BinaryFunction, _ a: Node, _ b: Node) -> Node {
        guard a.dtype == b.dtype else { programError("\(function)", "dtypes \(a.dtype) and \(b.dtype) differ; cast one") }
        guard function.accepts(a.dtype) else { programError("\(function)", "not defined for \(a.dtype)") }
        let shape = mapShape("\(function)", a, b)
        return Node(.binary(function), .two(a, b), shape: shape, dtype: function.resultType(a.dtype), device: a.device)
    }

    /// Elementwise, `a` where the `bool` condition is true, else `b`. Traps unless dtypes and devices agree and each shape is that of the result or
    /// rank 0.
    public static func select(_ condition: Node, _ a: Node, _ b: Node) -> Node {
        guard condition.dtype == .bool else { programError("select", "the condition is \(condition.dtype), not bool") }
        guard a.dtype == b.dtype else { programError("select", "dtypes \(a.dtype) and \(b.dtype) differ; cast one") }
        let ab = mapShape("select", a, b)
        guard condition.shape == ab || condition.shape.rank == 0 || ab.rank == 0 else {
            programError("select", "condition \(condition.shape) does not match values \(ab)")
        }
        requireOneDevice("select", condition, a)
        let shape = ab.rank == 0 ? condition.shape : ab
        return Node(.select, .three(condition, a, b), shape: shape, dtype: a.dtype, device: a.device)
    }

    /// The same numbers in another dtype, by the rules of `Primitive.cast`; `x` itself where it has that dtype.
    public static func cast(_ x: Node, to dtype: DType) -> Node {
        x.dtype == dtype ? x : Node(.cast, .one(x), shape: x.shape, dtype: dtype, device: x.device)
    }

    /// The same elements in row-major order under another shape; `x` itself where it has that shape. Traps where the counts differ.
    public static func reshape(_ x: Node, to shape: Shape) -> Node {
        if x.shape == shape { return x }
        guard x.shape.count == shape.count else {
            programError("reshape", "\(x.shape.count) elements of \(x.shape) do not fill \(shape)")
        }
        return Node(.reshape, .one(x), shape: shape, dtype: x.dtype, device: x.device)
    }

    /// Axis i of the result is axis `axes[i]` of `x`; `x` itself where no axis moves. Traps unless `axes` is a permutation of 0 ..< rank.
    public static func permute(_ x: Node, axes: [Int]) -> Node {
        guard axes.sorted() == Array(0..<x.shape.rank) else {
            programError("permute", "axes \(axes) are no permutation of the axes of \(x.shape)")
        }
        if axes == Array(0..<x.shape.rank) { return x }
        return Node(.permute(axes: axes), .one(x), shape: Shape(axes.map { x.shape[$0] }), dtype: x.dtype, device: x.device)
    }

    /// Repeats axes of extent 1; ranks must be equal (reshape first to add axes), except that rank 0 expands to anything.
    public static func expand(_ x: Node, to shape: Shape) -> Node {
        if x.shape == shape { return x }
        if x.shape.rank == 0 { return expand(reshape(x, to: Shape([Int](repeating: 1, count: shape.rank))), to: shape) }
        guard x.shape.rank == shape.rank, zip(x.shape.dimensions, shape.dimensions).allSatisfy({ $0 == $1 || $0 == 1 }) else {
            programError("expand", "\(x.shape) does not expand to \(shape)")
        }
        return Node(.expand, .one(x), shape: shape, dtype: x.dtype, device: x.device)
    }

    /// `counts[i]` elements along axis i from `starts[i]` in steps of `steps[i]` (negative walks backwards).
    public static func slice(_ x: Node, starts: [Int], counts: [Int], steps: [Int]) -> Node {
        var steps = steps
        guard starts.count == x.shape.rank, counts.count == x.shape.rank, steps.count == x.shape.rank else {
            programError("slice", "\(starts.count) ranges for shape \(x.shape)")
        }
        for axis in 0..<x.shape.rank where counts[axis] > 0 {
            let (way, overflow) = (counts[axis] - 1).multipliedReportingOverflow(by: steps[axis])
            let inside = 0..<x.shape[axis]
            guard steps[axis] != 0, !overflow, inside.contains(starts[axis]), inside.contains(starts[axis].addingSaturated(way)) else {
                programError("slice", "axis \(axis): start \(starts[axis]), count \(counts[axis]), step \(steps[axis]) leaves \(x.shape)")
            }
            // A step that is never taken may be of any size.
            if counts[axis] == 1 && steps[axis] != 1 { steps[axis] = 1 }
        }
        if counts == x.shape.dimensions && steps.allSatisfy({ $0 == 1 }) { return x }
        return Node(.slice(starts: starts, steps: steps), .one(x), shape: Shape(counts), dtype: x.dtype, device: x.device)
    }

    /// `before[i]` and `after[i]` elements of `value` (rank 0, the dtype of `x`) around axis i. Traps where a number is negative or there are more or
    /// fewer than axes.
    public static func pad(_ x: Node, before: [Int], after: [Int], value: Node) -> Node {
        guard before.count == x.shape.rank, after.count == x.shape.rank, (before + after).allSatisfy({ $0 >= 0 }) else {
            programError("pad", "padding \(before), \(after) does not fit shape \(x.shape)")
        }
        guard value.shape.rank == 0, value.dtype == x.dtype else {
            programError("pad", "the value is \(value.dtype) \(value.shape), not one \(x.dtype)")
        }
        requireOneDevice("pad", x, value)
        let shape = Shape((0..<x.shape.rank).map { x.shape[$0].addingSaturated(before[$0]).addingSaturated(after[$0]) })
        if shape == x.shape { return x }
        return Node(.pad(before: before), .two(x, value), shape: shape, dtype: x.dtype, device: x.device)
    }

    /// Windows of `size` elements, `dilation` apart, of which each begins `step` after the one before.
    public static func window(_ x: Node, axis: Int, size: Int, step: Int, dilation: Int) -> Node {
        guard axis >= 0, axis < x.shape.rank else { programError("window", "axis \(axis) of shape \(x.shape)") }
        let count = windowCount("window", x.shape[axis], size: size, step: step, dilation: dilation)
        var dimensions = x.shape.dimensions + [size]
        dimensions[axis] = count
        return Node(
            .window(axis: axis, step: step, dilation: dilation), .one(x), shape: Shape(dimensions), dtype: x.dtype, device: x.device)
    }

    /// The sum of windows over the `extent` elements that they were taken from.
    public static func fold(_ x: Node, axis: Int, extent: Int, step: Int, dilation: Int) -> Node {
        let rank = x.shape.rank
        guard axis >= 0, axis < rank - 1 else { programError("fold", "axis \(axis) of shape \(x.shape)") }
        guard x.dtype != .bool else { programError("fold", "not defined for bool; cast first") }
        let count = windowCount("fold", extent, size: x.shape[rank - 1], step: step, dilation: dilation)
        guard count == x.shape[axis] else {
            programError("fold", "\(x.shape[axis]) windows where \(extent) elements have \(count)")
        }
        var dimensions = Array(x.shape.dimensions.dropLast())
        dimensions[axis] = extent
        let zero = constant(Scalar(0, x.dtype), device: x.device)
        return Node(.fold(axis: axis, step: step, dilation: dilation), .two(x, zero), shape: Shape(dimensions), dtype: x.dtype, device: x.device)
    }

    /// How many windows lie in `extent` elements.
    private static func windowCount(_ operation: String, _ extent: Int, size: Int, step: Int, dilation: Int) -> Int {
        guard size > 0, step > 0, dilation > 0 else {
            programError(operation, "windows of \(size) elements, \(dilation) apart, in steps of \(step)")
        }
        let reach = (size - 1).multipliedReportingOverflow(by: dilation)
        guard !reach.overflow, reach.partialValue < extent else {
            programError(operation, "a window of \(size) elements, \(dilation) apart, does not fit \(extent)")
        }
        return (extent - reach.partialValue - 1) / step + 1
    }

    /// The parts one after the other along `axis`. Traps where there is none, or where dtypes, devices or the extents of other axes differ.
    public static func concatenate(_ parts: [Node], axis: Int) -> Node {
        guard let first = parts.first else { programError("concatenate", "nothing to concatenate") }
        if parts.count == 1 { return first }
        var extent = 0
        for part in parts {
            guard part.dtype == first.dtype, part.shape.rank == first.shape.rank, axis < first.shape.rank,
                part.shape.reduced(along: [axis]) == first.shape.reduced(along: [axis])
            else {
                programError("concatenate", "\(part.dtype) \(part.shape) beside \(first.dtype) \(first.shape) along axis \(axis)")
            }
            requireOneDevice("concatenate", first, part)
            extent = extent.addingSaturated(part.shape[axis])
        }
        var dimensions = first.shape.dimensions
        dimensions[axis] = extent
        return Node(.concatenate(axis: axis), .many(parts), shape: Shape(dimensions), dtype: first.dtype, device: first.device)
    }

    /// `x` in memory of its own, row-major; see `Primitive.contiguous`.
    public static func contiguous(_ x: Node) -> Node {
        Node(.contiguous, .one(x), shape: x.shape, dtype: x.dtype, device: x.device)
    }

    /// `x` on another device; `storage` is what will hold its elements there.
    public static func deviceCopy(_ x: Node, to device: DeviceTag, holding storage: Storage) -> Node {
        let copy = Node(.deviceCopy, .one(x), shape: x.shape, dtype: x.dtype, device: device)
        Node.lock.withLock { _ in copy.complete(with: storage) }
        return copy
    }

    /// The block of `shape` in `x` that begins at `starts` (int32, [rank]), which are clamped when the program runs so that it fits. Traps where it
    /// is larger than `x`.
    public static func dynamicSlice(_ x: Node, starts: Node, shape: Shape) -> Node {
        requireStarts("dynamicSlice", starts, x)
        requireFits("dynamicSlice", shape, in: x.shape)
        return Node(.dynamicSlice, .two(x, starts), shape: shape, dtype: x.dtype, device: x.device)
    }

    /// `x` with a block overwritten by `update`, at `starts` (int32, [rank]), which are clamped when the program runs so that it fits. Traps where
    /// dtypes differ or the block is larger than `x`.
    public static func updateSlice(_ x: Node, _ update: Node, starts: Node) -> Node {
        requireStarts("updateSlice", starts, x)
        requireFits("updateSlice", update.shape, in: x.shape)
        guard update.dtype == x.dtype else { programError("updateSlice", "a \(update.dtype) update of \(x.dtype)") }
        requireOneDevice("updateSlice", x, update)
        return Node(.updateSlice, .three(x, update, starts), shape: x.shape, dtype: x.dtype, device: x.device)
    }

    /// Reduces along `axes` (each once), which stay with extent 1.
    public static func reduce(_ operation: ReduceOperation, _ x: Node, axes: [Int]) -> Node {
        let axes = axes.sorted()
        guard Set(axes).count == axes.count, axes.allSatisfy({ $0 >= 0 && $0 < x.shape.rank }) else {
            programError("\(operation)", "axes \(axes) of shape \(x.shape)")
        }
        guard x.dtype != .bool else { programError("\(operation)", "not defined for bool; cast first") }
        if operation.givesIndex {
            guard axes.count == 1, x.shape[axes[0]] > 0 else { programError("\(operation)", "axes \(axes) of \(x.shape): needs one, not empty") }
            guard x.shape[axes[0]] <= Int(Int32.max) else {
                programError("\(operation)", "an index of int32 does not count the \(x.shape[axes[0]]) elements of an axis of \(x.shape)")
            }
        } else if axes.isEmpty {
            return x
        }
        return Node(
            .reduce(operation, axes: axes), .one(x), shape: x.shape.reduced(along: axes),
            dtype: operation.resultType(x.dtype), device: x.device)
    }

    /// C[…, i, j] = Σₖ a[…, i, k] · b[…, k, j], of [..., m, k] and [..., k, n]. Traps unless both are float32 with equal leading extents, which are
    /// not broadcast.
    public static func matmul(_ a: Node, _ b: Node) -> Node {
        let rank = a.shape.rank
        guard rank >= 2, b.shape.rank == rank, a.shape[rank - 1] == b.shape[rank - 2],
            a.shape.dimensions.dropLast(2) == b.shape.dimensions.dropLast(2)
        else { programError("matmul", "shapes \(a.shape) and \(b.shape) do not match") }
        guard a.dtype == .float32, b.dtype == .float32 else {
            programError("matmul", "defined for float32, not \(a.dtype) and \(b.dtype)")
        }
        requireOneDevice("matmul", a, b)
        let shape = Shape(a.shape.dimensions.dropLast() + [b.shape[rank - 1]])
        return Node(.matmul, .two(a, b), shape: shape, dtype: .float32, device: a.device)
    }

    /// y[…, indices…, …] = x[…, indices[…], …] along `axis`, which the axes of the indices (int32) replace. An index out of range gives NaN, or 0 in
    /// an integer.
    public static func gather(_ x: Node, _ indices: Node, axis: Int) -> Node {
        guard axis >= 0 && axis < x.shape.rank else { programError("gather", "axis \(axis) of shape \(x.shape)") }
        guard indices.dtype == .int32 else { programError("gather", "indices are \(indices.dtype), not int32") }
        requireOneDevice("gather", x, indices)
        return Node(
            .gather(axis: axis), .two(x, indices), shape: gatherShape(x.shape, indices.shape, axis), dtype: x.dtype, device: x.device)
    }

    /// `base` plus each update at its index (int32) along `axis`, in index order; an index out of range is dropped. Traps unless `gather(base,
    /// indices)` would have the shape of `updates`.
    public static func scatterAdd(_ base: Node, _ indices: Node, _ updates: Node, axis: Int) -> Node {
        guard axis >= 0 && axis < base.shape.rank else { programError("scatterAdd", "axis \(axis) of shape \(base.shape)") }
        guard indices.dtype == .int32 else { programError("scatterAdd", "indices are \(indices.dtype), not int32") }
        guard updates.dtype == base.dtype, base.dtype != .bool else {
            programError("scatterAdd", "updates are \(updates.dtype), the base is \(base.dtype)")
        }
        guard updates.shape == gatherShape(base.shape, indices.shape, axis) else {
            programError("scatterAdd", "updates \(updates.shape) for base \(base.shape), indices \(indices.shape), axis \(axis)")
        }
        requireOneDevice("scatterAdd", base, updates)
        return Node(.scatterAdd(axis: axis), .three(base, indices, updates), shape: base.shape, dtype: base.dtype, device: base.device)
    }

    /// `composition`, for which a device may have a step of its own that computes it from `operands`.
    public static func library(_ operation: LibraryOperation, composition: Node, _ operands: [Node]) -> Node {
        Node(
            .library(operation), .many([composition] + operands), shape: composition.shape, dtype: composition.dtype,
            device: composition.device)
    }

    /// An operation with several results, which `libraryResult` tells apart: one for each of `compositions`.
    public static func library(_ operation: LibraryOperation, compositions: [Node], _ operands: [Node]) -> Node {
        precondition(compositions.count == operation.resultCount, "\(compositions.count) compositions for \(operation.resultCount) results")
        return Node(.library(operation), .many(compositions + operands), shape: .scalar, dtype: .float32, device: compositions[0].device)
    }

    /// The result of a user's own kernel. Traps where there is no input or where inputs lie on different devices; what the kernel writes is trusted
    /// to have this shape and dtype.
    public static func custom(_ operation: CustomOperation, _ inputs: [Node], shape: Shape, dtype: DType) -> Node {
        guard let first = inputs.first else { programError(operation.name, "a custom operation needs an input") }
        for input in inputs { requireOneDevice(operation.name, first, input) }
        return Node(.custom(operation), .many(inputs), shape: shape, dtype: dtype, device: first.device)
    }

    /// `value`, differentiated with respect to `inputs` by `rule`.
    public static func customGradient(_ rule: CustomGradient, value: Node, inputs: [Node]) -> Node {
        Node(.customGradient(rule), .many([value] + inputs), shape: value.shape, dtype: value.dtype, device: value.device)
    }

    /// The value of `x`, through which no gradient passes.
    public static func stopGradient(_ x: Node) -> Node {
        Node(.stopGradient, .one(x), shape: x.shape, dtype: x.dtype, device: x.device)
    }
}

// MARK: - Checks

extension Node {
    private static func requireOneDevice(_ operation: @autoclosure () -> String, _ a: Node, _ b: Node) {
        if a.device != b.device { programError(operation(), "the tensors live on different devices; copy one with to(_:)") }
    }

    private static func mapShape(_ operation: @autoclosure () -> String, _ a: Node, _ b: Node) -> Shape {
        requireOneDevice(operation(), a, b)
        if a.shape == b.shape || b.shape.rank == 0 { return a.shape }
        if a.shape.rank == 0 { return b.shape }
        programError(operation(), "shapes \(a.shape) and \(b.shape) do not match")
    }

    private static func requireStarts(_ operation: String, _ starts: Node, _ x: Node) {
        guard starts.dtype == .int32, starts.shape == [x.shape.rank] else {
            programError(operation, "starts must be int32 [\(x.shape.rank)], not \(starts.dtype) \(starts.shape)")
        }
        requireOneDevice(operation, x, starts)
    }

    private static func requireFits(_ operation: String, _ block: Shape, in shape: Shape) {
        guard block.rank == shape.rank, zip(block.dimensions, shape.dimensions).allSatisfy({ $0 <= $1 }) else {
            programError(operation, "a block of \(block) does not fit \(shape)")
        }
    }

    /// The shape of `gather`: the axis replaced by the indices' axes.
    public static func gatherShape(_ x: Shape, _ indices: Shape, _ axis: Int) -> Shape {
        Shape(x.dimensions[..<axis] + indices.dimensions + x.dimensions[(axis + 1)...])
    }
}
