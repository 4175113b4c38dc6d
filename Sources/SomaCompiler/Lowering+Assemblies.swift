import SomaBackend
import SomaGraph

// Values that are put together of parts: concatenations, padded values, and windows added up where they overlap.

extension Lowering {
    mutating func concatenated(_ parts: [StridedView], _ axis: Int, _ shape: Shape, _ dtype: DType) -> StridedView {
        add(.assembly, parts, shape, dtype)
    }

    /// A fill of the whole, then the part over it.
    mutating func padded(
        _ x: StridedView, _ value: StridedView, _ before: [Int], _ shape: Shape, _ dtype: DType
    ) -> StridedView {
        let fill = copy(value.expanded(toMapShape: shape))
        let part = copy(x)
        let whole = add(.assembly, [fill, part], shape, dtype)
        let strides = shape.contiguousStrides
        operations[fill.base].placement = .init(assembly: whole.base, offset: 0, strides: strides)
        let offset = zip(before, strides).map(*).reduce(0, +)
        operations[part.base].placement = .init(assembly: whole.base, offset: offset, strides: strides)
        operations[part.base].after = [fill.base]
        return whole
    }

    /// Windows added up where they overlap, as a gather: nothing is added to memory.
    ///
    /// Element i gets the windows' elements (o, r) with o·step + r·dilation = i. They are laid out among zeros so that r runs backwards and
    /// window o begins at o·step: then those of i lie at a constant distance from each other.
    mutating func folded(
        _ x: StridedView, _ zero: StridedView, _ axis: Int, _ step: Int, _ dilation: Int, _ shape: Shape, _ dtype: DType
    ) -> StridedView {
        let last = x.shape.rank - 1, size = x.shape[last], reach = (size - 1) * dilation
        var spaced = x.shape.dimensions
        spaced[axis] = shape[axis] + reach
        let fill = copy(zero.expanded(toMapShape: Shape(spaced)))
        let part = copy(x)
        let whole = add(.assembly, [fill, part], Shape(spaced), dtype)
        let strides = Shape(spaced).contiguousStrides
        operations[fill.base].placement = .init(assembly: whole.base, offset: 0, strides: strides)
        var placed = strides
        placed[axis] *= step
        placed[last] = -strides[last]
        operations[part.base].placement = .init(
            assembly: whole.base, offset: reach * strides[axis] + (size - 1) * strides[last], strides: placed)
        operations[part.base].after = [fill.base]
        var view = whole
        view.shape = Shape(shape.dimensions + [size])
        view.strides[last] = dilation * strides[axis] + strides[last]
        if size > 1 { view = add(.reduce(.sum, axes: [last]), [view], Shape(shape.dimensions + [1]), dtype) }
        return reshaped(view, to: shape)
    }

    /// Lets the parts of each concatenation be computed in their place; where that cannot be, they are copied there.
    mutating func placeParts() {
        for assembly in operations.indices where operations[assembly].kind == .assembly {
            let parts = operations[assembly].operands
            guard parts.allSatisfy({ operations[$0.base].placement?.assembly != assembly }) else { continue }
            placeParts(of: assembly)
        }
    }

    private mutating func placeParts(of assembly: Int) {
        let (shape, parts) = (operations[assembly].shape, operations[assembly].operands)
        let axis = concatenationAxis(shape, parts)
        let strides = shape.contiguousStrides
        let outermost = shape.dimensions[..<axis].allSatisfy { $0 == 1 }
        var offset = 0
        for (i, part) in parts.enumerated() {
            var base = part.base
            let shape = operations[base].shape
            if outermost && canMove(part) {
                operations[base].placement = .init(assembly: assembly, offset: offset, strides: shape.contiguousStrides)
            } else if canBeStrided(part), let placed = StridedView(of: base, part.shape).with(part.shape, strides).reshaped(to: shape) {
                operations[base].placement = .init(assembly: assembly, offset: offset, strides: placed.strides)
            } else {
                base = copy(part).base
                operations[base].placement = .init(assembly: assembly, offset: offset, strides: strides)
                operations[assembly].operands[i] = StridedView(of: base, part.shape)
            }
            offset += part.shape[axis] * strides[axis]
        }
    }

    private func concatenationAxis(_ shape: Shape, _ parts: [StridedView]) -> Int {
        for axis in 0..<shape.rank where parts.contains(where: { $0.shape[axis] != shape[axis] }) { return axis }
        return 0
    }

    /// Whether the part is written by a step that keeps any distance between rows: that of attention's gradient, of which nobody else reads it.
    private func canBeStrided(_ part: StridedView) -> Bool {
        let base = operations[part.base]
        guard case .result = base.kind, case .library(.attentionGradient) = operations[base.operands[0].base].kind,
            part.isIdentity(count: base.shape.count), base.placement == nil, !roots.contains(part.base)
        else { return false }
        return operations.reduce(0) { sum, other in sum + other.operands.count { $0.base == part.base } } == 1
    }

    /// Whether the part's own operation can write straight into an assembly.
    private func canMove(_ part: StridedView) -> Bool {
        let base = operations[part.base]
        guard part.isIdentity(count: base.shape.count), base.placement == nil, !roots.contains(part.base) else { return false }
        switch base.kind {
        case .elementwise, .reduce, .matmul, .convolution, .pooling, .gather, .dynamicSlice: return true
        case .source, .scalar, .range, .random, .scatterAdd, .updateSlice, .scan, .library, .result, .custom, .assembly: return false
        }
    }
}
