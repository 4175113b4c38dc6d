import SomaBackend
import SomaGraph

// Steps for images, and the order of axes in memory that such steps like.
//
// A convolution on the CPU wants the channels of a pixel side by side. Its result is then an operation of shape [N, H, W, C] that is seen as
// [N, C, H, W]; what is computed from it elementwise, and reductions of it, keep that order, so that whole chains of layers need no reordering.
// A copy into another order comes about only where somebody asks for elements in row-major order: at a root, in a reshape.

extension Lowering {
    /// Whether the device has a step for a convolution or a pooling of these operands.
    func hasStepForImages(_ entry: GraphSnapshot.Entry, _ operands: [Shape]) -> Bool {
        capabilities.images != nil && entry.dtype == .float32 && entry.shape.count > 0 && operands.allSatisfy { $0.count > 0 }
            && (1...2).contains(entry.shape.rank - 2)
    }

    /// The step of a convolution or a pooling.
    mutating func image(_ operation: LibraryOperation, _ operands: [StridedView], _ shape: Shape, _ dtype: DType) -> StridedView {
        let preferred = capabilities.images ?? .channelsFirst
        let order = isPlainDepthwise(operation, operands, shape) && memoryOrder(of: operands) == nil ? .channelsFirst : preferred
        let axes = order.axes(rank: shape.rank)
        let kind: Operation.Kind
        switch operation {
        case .convolution(let pass, let windows, let groups):
            kind = .convolution(pass, windows, groups: groups, order)
            let first = image(operands[0], axes)
            if pass == .filterGradient { return add(kind, [first, image(operands[1], axes)], shape, dtype) }
            return add(kind, [first, contiguous(operands[1])], shape, dtype, axes)
        case .pooling(let function, let windows): kind = .pooling(function, isGradient: false, windows, order)
        case .poolingGradient(let function, let windows): kind = .pooling(function, isGradient: true, windows, order)
        case .attention, .attentionGradient, .recurrence, .recurrenceGradient: programError("compile", "\(operation.name) is no operation on images")
        }
        return add(kind, operands.map { image($0, axes) }, shape, dtype, axes)
    }

    /// Whether a depthwise convolution may stay in the order in which its image comes.
    private func isPlainDepthwise(_ operation: LibraryOperation, _ operands: [StridedView], _ shape: Shape) -> Bool {
        guard capabilities.takesDepthwiseInEitherOrder, case .convolution(let pass, let windows, let groups) = operation else { return false }
        let filter = pass == .filterGradient ? shape : operands[1].shape
        // A filter of more taps is no small matter any more; the kernels keep it on the stack.
        return filter[0] == groups && filter[1] == 1 && filter.count <= groups * 4096 && windows.stride.allSatisfy { $0 == 1 }
            // The planes are copied with the padding around them.
            && zip(windows.size, windows.dilation).allSatisfy { ($0 - 1) * $1 <= 256 }
    }

    /// The place of a convolution whose result is wanted in plain order and nowhere else, if a kernel can write it so: then no copy of it is
    /// needed, nor one of the image that was made for it.
    mutating func convolutionInPlainOrder(_ view: StridedView, _ rootPlaces: [Int]) -> Int? {
        let place = view.base
        guard capabilities.images == .channelsLast, case .convolution(.forward, let windows, groups: 1, .channelsLast) = operations[place].kind,
            let channels = operations[place].operands[0].shape.dimensions.last, channels <= capabilities.mostChannelsInAnyOrder,
            zip(windows.size, windows.dilation).allSatisfy({ $0 * $1 <= 1 << 9 }),
            case let seen = view.permuted(ImageOrder.channelsLast.axes(rank: view.shape.rank)), seen.shape == operations[place].shape,
            seen.isIdentity(count: seen.shape.count),
            rootPlaces.filter({ views[$0].base == place }).count == 1, !operations.contains(where: { $0.operands.contains { $0.base == place } })
        else { return nil }
        var x = operations[place].operands[0]
        // Of one channel the image may be a copy of somebody else's, whose axes mean something else.
        let copy = operations[x.base]
        if case .elementwise(.copy) = copy.kind, copy.shape == x.shape, x.isIdentity(count: x.shape.count), !operations[copy.operands[0].base].isGenerator {
            x = copy.operands[0]
        }
        operations[place].kind = .convolution(.forward, windows, groups: 1, .channelsFirst)
        operations[place].operands[0] = x.permuted(inverse(ImageOrder.channelsLast.axes(rank: x.shape.rank)))
        operations[place].shape = view.shape
        operations[place].isReordered = false
        return place
    }

    /// A view whose axes follow each other in memory as `axes` says; copied at most once.
    private mutating func image(_ view: StridedView, _ axes: [Int]) -> StridedView {
        let wanted = view.permuted(axes)
        if let known = images[wanted] { return known }
        let result = contiguous(wanted)
        images[wanted] = result
        return result
    }

    /// Adds an operation whose axes follow each other in memory as `axes` says; its operands are in that order already. What is returned is
    /// seen in the order of `shape`.
    mutating func add(
        _ kind: Operation.Kind, _ operands: [StridedView], _ shape: Shape, _ dtype: DType, _ axes: [Int]
    ) -> StridedView {
        let result = add(kind, operands, Shape(axes.map { shape[$0] }), dtype)
        if axes != Array(axes.indices) { markReordered(result.base) }
        return result.permuted(inverse(axes))
    }

    /// The order in memory that what is computed from `views`, which have one shape, should keep; `nil` for the plain one.
    func memoryOrder(of views: [StridedView]) -> [Int]? {
        for view in views where operations[view.base].isReordered {
            let steps = view.shape.dimensions.indices.filter { view.shape[$0] != 1 }
            if steps.contains(where: { view.strides[$0] <= 0 }) { continue }
            let sorted = steps.sorted { (view.strides[$1], $0) < (view.strides[$0], $1) }
            if sorted == steps { continue }
            var axes = Array(view.shape.dimensions.indices)
            for (place, axis) in zip(steps, sorted) { axes[place] = axis }
            return axes
        }
        return nil
    }

    /// An elementwise operation, in the order in memory of its operands.
    mutating func map(_ function: Operation.Elementwise, _ operands: [StridedView], _ shape: Shape, _ dtype: DType) -> StridedView {
        guard let axes = memoryOrder(of: operands) else { return add(.elementwise(function), operands, shape, dtype) }
        return add(.elementwise(function), operands.map { $0.permuted(axes) }, shape, dtype, axes)
    }

    /// A reduction, in the order in memory of its operand.
    mutating func reduction(_ operation: ReduceOperation, _ x: StridedView, _ reduced: [Int], _ shape: Shape, _ dtype: DType) -> StridedView {
        guard let axes = memoryOrder(of: [x]) else { return add(.reduce(operation, axes: reduced), [x], shape, dtype) }
        let places = axes.indices.filter { reduced.contains(axes[$0]) }
        return add(.reduce(operation, axes: places), [x.permuted(axes)], shape, dtype, axes)
    }
}

/// The permutation that undoes `axes`.
func inverse(_ axes: [Int]) -> [Int] {
    var result = axes
    for (place, axis) in axes.enumerated() { result[axis] = place }
    return result
}
