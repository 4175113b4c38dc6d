import SomaGraph

/// The gradient of a block of a tensor.
///
/// Each as zeros of the whole tensor but for the block, n slices of a tensor would cost n times its size. Side by side they cost it once.
struct GradientSlice {
    let gradient: Tensor
    /// Where the block begins in a tensor of `shape`.
    let starts: [Int]
    let shape: Shape

    private func end(_ axis: Int) -> Int { starts[axis] + gradient.shape[axis] }

    /// Gradients of the whole tensor whose sum is that of the slices. Where no slices overlap, it is one.
    static func joined(_ slices: [GradientSlice]) -> [Tensor] {
        guard let shape = slices.first?.shape else { return [] }
        let blocks = (0..<shape.rank).reduce(slices) { joined($0, alongAxis: $1) }
        return blocks.map { $0.gradient.spread(over: shape, starts: $0.starts, steps: [Int](repeating: 1, count: shape.rank)) }
    }

    /// Slices that are the same but for one axis, put one after the other along it.
    private static func joined(_ slices: [GradientSlice], alongAxis axis: Int) -> [GradientSlice] {
        struct Section: Hashable { var starts, extents: [Int] }
        func section(_ slice: GradientSlice) -> Section {
            var section = Section(starts: slice.starts, extents: slice.gradient.shape.dimensions)
            (section.starts[axis], section.extents[axis]) = (0, 0)
            return section
        }
        var groups: [[GradientSlice]] = []
        var groupOf: [Section: Int] = [:]
        for slice in slices {
            let group = groupOf[section(slice), default: groups.count]
            if group == groups.count { groups.append([]) }
            groupOf[section(slice)] = group
            groups[group].append(slice)
        }
        return groups.flatMap { chains($0, axis).map { joined(chain: $0, axis) } }
    }

    /// Slices in as few rows as there are slices over one position, so that those of a row do not overlap.
    private static func chains(_ slices: [GradientSlice], _ axis: Int) -> [[GradientSlice]] {
        var chains: [[GradientSlice]] = []
        for slice in slices.sorted(by: { $0.starts[axis] < $1.starts[axis] }) {
            if let free = chains.firstIndex(where: { $0.last.map { $0.end(axis) <= slice.starts[axis] } ?? true }) {
                chains[free].append(slice)
            } else {
                chains.append([slice])
            }
        }
        return chains
    }

    private static func joined(chain: [GradientSlice], _ axis: Int) -> GradientSlice {
        let first = chain[0]
        if chain.count == 1 { return first }
        var parts: [Tensor] = []
        var end = first.starts[axis]
        for slice in chain {
            if slice.starts[axis] > end {
                var gap = slice.gradient.shape.dimensions
                gap[axis] = slice.starts[axis] - end
                parts.append(slice.gradient.operand(0, "slice").repeated(to: Shape(gap)))
            }
            parts.append(slice.gradient)
            end = slice.end(axis)
        }
        return GradientSlice(gradient: Tensor(concatenating: parts, alongAxis: axis), starts: first.starts, shape: first.shape)
    }
}
