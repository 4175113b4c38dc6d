import SomaBackend
import SomaGraph

/// How a value is seen through views: which stored value lies below, and where the element at each position is.
///
/// Where slices begin is known only when a program runs: each axis of each slice adds `start · coefficient` to the offset.
struct StridedView: Hashable {
    struct StartTerm: Hashable {
        /// The place among all starts of all slices, in the order of the traversal.
        var start: Int
        var coefficient: Int
    }

    /// The operation (an index into `Lowering.operations`) whose elements are seen.
    var base: Int
    var shape: Shape
    var strides: [Int]
    var starts: [StartTerm] = []

    /// All of `base`, as it lies in memory.
    init(of base: Int, _ shape: Shape) {
        self.base = base
        self.shape = shape
        strides = shape.contiguousStrides
    }

    func with(_ shape: Shape, _ strides: [Int]) -> StridedView {
        var view = self
        (view.shape, view.strides) = (shape, strides)
        return view
    }

    func permuted(_ axes: [Int]) -> StridedView { with(Shape(axes.map { shape[$0] }), axes.map { strides[$0] }) }

    func expanded(to target: Shape) -> StridedView {
        with(target, (0..<target.rank).map { shape[$0] == target[$0] ? strides[$0] : 0 })
    }

    /// Windows along an axis, the place in the window being a further axis.
    func windowed(to target: Shape, axis: Int, step: Int, dilation: Int) -> StridedView {
        var strides = strides + [strides[axis] * dilation]
        strides[axis] *= step
        return with(target, strides)
    }

    /// - Parameter firstStart: the place of the slice's first start among all starts.
    func sliced(to target: Shape, steps: [Int], firstStart: Int) -> StridedView {
        var view = with(target, zip(strides, steps).map(*))
        for axis in 0..<shape.rank where strides[axis] != 0 {
            view.starts.append(StartTerm(start: firstStart + axis, coefficient: strides[axis]))
        }
        return view
    }

    /// The same elements in row-major order under another shape; `nil` where no strides can say it.
    func reshaped(to target: Shape) -> StridedView? {
        if target == shape { return self }
        if shape.count == 0 { return with(target, target.contiguousStrides) }
        // Both shapes are cut, from the back, into the shortest runs of axes with equal products.
        var result = [Int](repeating: 0, count: target.rank)
        var i = shape.rank - 1
        var j = target.rank - 1
        while i >= 0 || j >= 0 {
            var sourceCount = i >= 0 ? shape[i] : 1
            var targetCount = j >= 0 ? target[j] : 1
            var sourceFirst = i
            var targetFirst = j
            while sourceCount != targetCount {
                if sourceCount < targetCount {
                    sourceFirst -= 1
                    sourceCount *= shape[sourceFirst]
                } else {
                    targetFirst -= 1
                    targetCount *= target[targetFirst]
                }
            }
            guard let unit = Self.mergedStride(shape, strides, sourceFirst, i) else { return nil }
            var stride = unit
            if targetFirst <= j, j >= 0 {
                for axis in (max(targetFirst, 0)...j).reversed() {
                    result[axis] = stride
                    stride *= target[axis]
                }
            }
            i = sourceFirst - 1
            j = targetFirst - 1
        }
        return with(target, result)
    }

    /// The stride of the single axis that axes first...last would be if merged; `nil` if they do not merge.
    private static func mergedStride(_ shape: Shape, _ strides: [Int], _ first: Int, _ last: Int) -> Int? {
        guard last >= 0 else { return 0 }
        var unit: Int?
        var expected = 0
        for axis in (max(first, 0)...last).reversed() where shape[axis] != 1 {
            if unit == nil {
                unit = strides[axis]
            } else if strides[axis] != expected {
                return nil
            }
            expected = strides[axis] * shape[axis]
        }
        return unit ?? 0
    }

    /// Whether the elements follow each other in memory in row-major order.
    var isContiguous: Bool {
        var expected = 1
        for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
            if strides[axis] != expected { return false }
            expected *= shape[axis]
        }
        return true
    }

    /// Whether position p in row-major order is element p of a base of `count` elements.
    func isIdentity(count: Int) -> Bool { starts.isEmpty && shape.count == count && isContiguous }
}
