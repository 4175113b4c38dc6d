import SomaGraph

/// Windows of a pooling: one number for all spatial axes of [N, C, spatial…], or one for each.
public struct PoolingWindow: Sendable {
    public var size, stride, padding: [Int]
    /// Whether a last window that begins inside of the input or its padding, and ends beyond, counts.
    public var isCeiling: Bool

    /// - Parameter stride: by default the size, so that windows do not overlap.
    public init(size: [Int], stride: [Int]? = nil, padding: [Int] = [0], isCeiling: Bool = false) {
        (self.size, self.stride, self.padding, self.isCeiling) = (size, stride ?? size, padding, isCeiling)
    }
}

extension Tensor {
    /// The greatest element of each window, [N, C, outputs…]. Of equal ones the first takes the gradient.
    public func maxPooled(_ window: PoolingWindow, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        .pooled(self, .max, PoolingGeometry("maxPooled", shape, window, file, line).windows)
    }

    /// The mean of each window, [N, C, outputs…].
    /// - Parameter countsPadding: whether elements of the padding count; those beyond it, of a last window, never do.
    public func averagePooled(
        _ window: PoolingWindow, countsPadding: Bool = true, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let geometry = PoolingGeometry("averagePooled", shape, window, file, line)
        let sums = Tensor.pooled(self, .sum, geometry.windows)
        if geometry.isEven(countsPadding) { return sums * (1 / Double(geometry.size.reduce(1, *))) }
        return sums / counts(geometry, countsPadding)
    }

    /// How many elements of each window count, [1, 1, outputs…].
    private func counts(_ geometry: PoolingGeometry, _ countsPadding: Bool) -> Tensor {
        let (one, none) = (operand(1, geometry.name), operand(0, geometry.name))
        let margin = [0, 0] + geometry.padding
        let elements = one.expanded(to: Shape([1, 1] + geometry.extents))
        let padded = Node.pad(elements.node, before: margin, after: margin, value: (countsPadding ? one : none).node)
        let beyond = [0, 0] + zip(geometry.after, geometry.padding).map { $0 - $1 }
        let whole = Tensor(node: .pad(padded, before: margin.map { _ in 0 }, after: beyond, value: none.node))
        return whole.spatialWindows(geometry.windows).sum(alongAxes: geometry.windows.sizeAxes)
    }

    /// The mean over windows that divide each spatial axis into `outputs` as even parts as there can be: ⌊i·n / outputs⌋ to
    /// ⌈(i + 1)·n / outputs⌉. An output of 1 pools globally.
    public func adaptiveAveragePooled(to outputs: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank >= 3, outputs.count == rank - 2, outputs.allSatisfy({ $0 > 0 }), shape.dimensions[2...].allSatisfy({ $0 > 0 }) else {
            programError("adaptiveAveragePooled", "outputs \(outputs) for \(shape)", file: file, line: line)
        }
        return outputs.indices.reduce(self) { $0.evenlyAveraged(axis: $1 + 2, outputs: outputs[$1]) }
    }

    /// One axis as the product with a matrix of shares.
    private func evenlyAveraged(axis: Int, outputs: Int) -> Tensor {
        let extent = shape[axis]
        if outputs == 1 { return mean(alongAxes: axis, keepingDims: true) }
        if extent % outputs == 0 {
            var dimensions = shape.dimensions
            dimensions[axis] = outputs
            dimensions.insert(extent / outputs, at: axis + 1)
            return reshaped(to: Shape(dimensions)).mean(alongAxes: axis + 1)
        }
        let (place, output) = (Tensor.range(extent, device: device).expandingDims(at: 1), Tensor.range(outputs, device: device))
        let first = output * Double(extent) / Double(outputs)
        let end = ((output + 1) * Double(extent) + Double(outputs - 1)) / Double(outputs)
        let shares = ((place .>= first) .&& (place .< end)).as(dtype) / (end - first).as(dtype)
        return matmul(transposed(axis, -1), shares).transposed(axis, -1)
    }
}

// MARK: - The pooling of windows, its gradient, and what they are composed of

extension Tensor {
    /// `LibraryOperation.pooling`.
    static func pooled(_ x: Tensor, _ function: PoolingFunction, _ windows: Windows) -> Tensor {
        let padded = x.spatiallyPadded(windows, with: function == .max ? -.infinity : 0).spatialWindows(windows)
        let y = function == .max ? padded.max(alongAxes: windows.sizeAxes) : padded.sum(alongAxes: windows.sizeAxes)
        return Tensor(node: .library(.pooling(function, windows), composition: y.node, [x.node]))
    }

    /// `LibraryOperation.poolingGradient` of `max`: each window's g goes to its first greatest element.
    static func maxPoolingGradient(_ x: Tensor, _ g: Tensor, _ windows: Windows) -> Tensor {
        let elements = x.spatiallyPadded(windows, with: -.infinity).spatialWindows(windows)
        let flat = elements.reshaped(to: Shape(g.shape.dimensions + [windows.size.reduce(1, *)]))
        let isChosen = Tensor.range(flat.shape[g.rank], device: x.device) .== flat.argmax(alongAxis: g.rank).expandingDims(at: g.rank)
        let shares = Tensor.select(isChosen, g.expandingDims(at: g.rank).expanded(to: flat.shape), g.operand(0, "pooling"))
        let dx = shares.reshaped(to: elements.shape).spatiallyFolded(to: x.shape, windows)
        return Tensor(node: .library(.poolingGradient(.max, windows), composition: dx.node, [x.node, g.node]))
    }

    /// `LibraryOperation.poolingGradient` of `sum`, of the shape of x: every element of a window gets its g.
    static func sumPoolingGradient(_ g: Tensor, of shape: Shape, _ windows: Windows) -> Tensor {
        let spread = windows.size.reduce(g) { x, _ in x.expandingDims(at: x.rank) }
        let dx = spread.expanded(to: Shape(g.shape.dimensions + windows.size)).spatiallyFolded(to: shape, windows)
        return Tensor(node: .library(.poolingGradient(.sum, windows), composition: dx.node, [g.node]))
    }
}

extension Windows {
    /// The axes of the places in the windows of [N, C, outputs…, sizes…].
    fileprivate var sizeAxes: [Int] { size.indices.map { 2 + size.count + $0 } }
}

/// The numbers of a pooling, checked.
private struct PoolingGeometry {
    let name: String
    var size, stride, padding, extents: [Int]
    /// What is added before and behind each axis: the padding, and what the last window needs beyond it.
    var before: [Int] { padding }
    var after: [Int] = []
    var outputs: [Int] = []

    var windows: Windows { Windows(size: size, stride: stride, dilation: size.map { _ in 1 }, before: before, after: after) }

    init(_ name: String, _ shape: Shape, _ window: PoolingWindow, _ file: StaticString, _ line: UInt) {
        let count = shape.rank - 2
        func refuse(_ reason: String) -> Never { programError(name, "\(reason), for input \(shape)", file: file, line: line) }
        guard count >= 1 else { refuse("an input [N, C, …] has a spatial axis") }
        func spread(_ numbers: [Int], _ what: String, from least: Int) -> [Int] {
            guard numbers.count == 1 || numbers.count == count, numbers.allSatisfy({ $0 >= least }) else { refuse("\(what) \(numbers)") }
            return numbers.count == 1 ? [Int](repeating: numbers[0], count: count) : numbers
        }
        self.name = name
        size = spread(window.size, "windows of", from: 1)
        stride = spread(window.stride, "stride", from: 1)
        padding = spread(window.padding, "padding", from: 0)
        extents = Array(shape.dimensions[2...])
        for axis in 0..<count {
            guard padding[axis] <= size[axis] / 2 else { refuse("padding \(padding[axis]) of more than half a window of \(size[axis])") }
            let room = extents[axis] + 2 * padding[axis] - size[axis]
            guard room >= 0 else { refuse("a window of \(size[axis]) elements does not fit \(extents[axis] + 2 * padding[axis])") }
            var places = room / stride[axis] + 1
            if window.isCeiling {
                places = room / stride[axis] + (room % stride[axis] == 0 ? 1 : 2)
                // The last window must begin in the input or in the padding before it.
                if (places - 1) * stride[axis] >= extents[axis] + padding[axis] { places -= 1 }
            }
            outputs.append(places)
            after.append(Swift.max(padding[axis], (places - 1) * stride[axis] + size[axis] - extents[axis] - padding[axis]))
        }
    }

    /// Whether every window counts all its elements.
    func isEven(_ countsPadding: Bool) -> Bool {
        after == padding && (countsPadding || padding.allSatisfy { $0 == 0 })
    }
}
