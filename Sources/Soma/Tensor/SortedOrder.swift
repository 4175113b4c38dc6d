import SomaGraph

// The order of elements along an axis, composed of comparisons of views: no primitive sorts.

/// How an order is found.
package enum SortMethod: Sendable {
    /// Each element's rank is the number of elements before it: n² comparisons, which are computed within a reduction and take no memory.
    case comparison
    /// K. E. Batcher, *Sorting Networks and Their Applications*, AFIPS 1968: ½ log²n steps of n comparisons.
    case network

    /// The faster one for `count` elements.
    static func fastest(for count: Int) -> SortMethod { count <= 64 ? .comparison : .network }
}

extension Tensor {
    /// The index (`int32`) along `axis`, counted from the front, of the element that comes first, second, … Equal elements keep their order, and
    /// NaN counts as the greatest.
    package func order(alongAxis axis: Int, descending: Bool, by method: SortMethod? = nil) -> Tensor {
        let extent = shape[axis]
        if count == 0 || extent == 1 { return .zeros(shape, dtype: .int32, device: device) }
        let axes = [axis] + (0..<rank).filter { $0 != axis }
        let moved = withoutGradient().permuted(axes: axes)
        let elements = SortElements(moved.reshaped(to: [extent, count / extent]), descending)
        let order =
            switch method ?? .fastest(for: extent) {
            case .comparison: elements.orderByComparison()
            case .network: elements.orderByNetwork()
            }
        return order.reshaped(to: moved.shape).permuted(axes: axes.indices.map { axes.firstIndex(of: $0) ?? $0 })
    }
}

/// The elements of each column of [n, columns], no two of which are equal: a key without NaN, and a place that decides between equal keys.
private struct SortElements {
    /// [n, columns].
    var keys: Tensor
    /// int32 [n, columns]: the index, and n or 2n more for elements that come after others of their key.
    var places: Tensor
    let isDescending: Bool

    init(_ columns: Tensor, _ isDescending: Bool) {
        let (n, device) = (columns.shape[0], columns.device)
        self.isDescending = isDescending
        let indices = Tensor.range(n, device: device).expandingDims(at: 1).expanded(to: columns.shape)
        guard columns.dtype.isFloatingPoint else {
            (keys, places) = (columns.dtype == .bool ? columns.as(.uint8) : columns, indices)
            return
        }
        // A NaN is an infinity that comes after the other infinities, or before them.
        let isLater = isDescending ? .!columns.isNaN : columns.isNaN
        keys = columns.replacing(with: Double.infinity, where: columns.isNaN)
        places = Tensor.select(isLater, indices + n, indices)
    }

    /// Whether an element of a comes before that of b in its place.
    private static func precedes(_ a: SortElements, _ b: SortElements) -> Tensor {
        let isFirst = a.isDescending ? a.keys .> b.keys : a.keys .< b.keys
        return isFirst .|| (a.keys .== b.keys) .&& (a.places .< b.places)
    }

    private func viewed(_ view: (Tensor) -> Tensor) -> SortElements {
        var elements = self
        (elements.keys, elements.places) = (view(keys), view(places))
        return elements
    }

    func orderByComparison() -> Tensor {
        let n = keys.shape[0]
        let (others, own) = (viewed { $0.expandingDims(at: 1) }, viewed { $0.expandingDims(at: 0) })
        // The rank of each element, and then for each rank the element that has it.
        let ranks = Self.precedes(others, own).sum(alongAxes: 0).expandingDims(at: 1)
        let numbers = Tensor.range(n, device: keys.device)
        let isAtRank = ranks .== numbers.reshaped(to: [1, n, 1])
        return Tensor.select(isAtRank, numbers.reshaped(to: [n, 1, 1]), 0).sum(alongAxes: 0)
    }

    /// Sorts blocks of 2, 4, 8, … elements. Two sorted halves become one block by comparing the first with the last, the second with the last but
    /// one and so on, after which each half of the block is a bitonic sequence: it goes on in halves with the distances ¼, ⅛, … of the block.
    func orderByNetwork() -> Tensor {
        let n = keys.shape[0]
        var (elements, size) = (filledToPowerOfTwo(), 1)
        let length = elements.keys.shape[0]
        while size < length {
            elements = elements.exchanged(at: size, mirrored: true)
            var distance = size / 2
            while distance > 0 {
                elements = elements.exchanged(at: distance, mirrored: false)
                distance /= 2
            }
            size *= 2
        }
        return remainder(elements.places.reshaped(to: [length, keys.shape[1]])[..<n], n)
    }

    /// With elements behind all others, as many as the network wants.
    private func filledToPowerOfTwo() -> SortElements {
        let n = keys.shape[0]
        var length = 1
        while length < n { length *= 2 }
        let filler = Tensor(node: .constant(Scalar(isDescending ? -.infinity : .infinity, keys.dtype), device: keys.device.tag))
        var filled = self
        filled.keys = Tensor(node: .pad(keys.node, before: [0, 0], after: [length - n, 0], value: filler.node))
        // The fillers are equal to one another, which does no harm: none of them comes before an element.
        filled.places = places.padded([(0, length - n), (0, 0)], with: Double(2 * n))
        return filled
    }

    /// Puts each pair of elements in order: in blocks of 2·distance those `distance` apart, or mirrored those as far from both ends.
    private func exchanged(at distance: Int, mirrored: Bool) -> SortElements {
        let length = keys.shape.count / columns
        let blocks = viewed { $0.reshaped(to: [length / (2 * distance), 2, distance, columns]) }
        let partners = blocks.viewed { mirrored ? $0.flipped(alongAxes: 1, 2) : $0.flipped(alongAxes: 1) }
        let isFirst = Tensor.range(2, device: keys.device).reshaped(to: [1, 2, 1, 1]) .== 0
        let keeps = Self.precedes(blocks, partners) .== isFirst
        var result = self
        // In memory after each step: in the next one each element is read twice.
        result.keys = Tensor.select(keeps, blocks.keys, partners.keys).contiguous()
        result.places = Tensor.select(keeps, blocks.places, partners.places).contiguous()
        return result
    }

    private var columns: Int { keys.shape[keys.shape.rank - 1] }
}
