import SomaGraph

/// Windows of a pooling: one number for all spatial axes of [N, C, spatial…], or one for each.
public struct PoolingWindow: Sendable {
    /// Elements of a window, from one window to the next, and added on both sides of an axis. The padding is at most half a window.
    public var size, stride, padding: [Int]
    /// From one element of a window to the next.
    public var dilation: [Int]
    /// Whether a last window that begins inside of the input or its padding, and ends beyond, counts.
    public var isCeiling: Bool

    /// Numbers are checked where the window is used.
    /// - Parameter stride: by default the size, so that windows do not overlap.
    public init(size: [Int], stride: [Int]? = nil, padding: [Int] = [0], dilation: [Int] = [1], isCeiling: Bool = false) {
        (self.size, self.stride, self.padding, self.dilation) = (size, stride ?? size, padding, dilation)
        self.isCeiling = isCeiling
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
        let chosen = x.greatestOfWindows(flat, windows).expandingDims(at: g.rank)
        let isChosen = Tensor.range(flat.shape[g.rank], device: x.device) .== chosen
        let shares = Tensor.select(isChosen, g.expandingDims(at: g.rank).expanded(to: flat.shape), g.operand(0, "pooling"))
        let dx = shares.reshaped(to: elements.shape).spatiallyFolded(to: x.shape, windows)
        return Tensor(node: .library(.poolingGradient(.max, windows), composition: dx.node, [x.node, g.node]))
    }

    /// The place in each window [N, C, outputs…, places] of the first greatest element of this tensor; one of the padding is none, though −∞
    /// stands there.
    private func greatestOfWindows(_ elements: Tensor, _ windows: Windows) -> Tensor {
        let greatest = elements.argmax(alongAxis: -1)
        if (windows.before + windows.after).allSatisfy({ $0 == 0 }) { return greatest }
        let one = Tensor(1, dtype: .uint8, device: device).repeated(to: Shape([1, 1] + shape.dimensions[2...]))
        let isInside = one.spatiallyPadded(windows).spatialWindows(windows)
        let first = isInside.reshaped(to: Shape([1, 1] + elements.shape.dimensions[2...])).argmax(alongAxis: -1)
        return .select(elements.max(alongAxes: -1) .== -Double.infinity, first, greatest)
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
    var size, stride, padding, dilation, extents: [Int]
    /// What is added before and behind each axis: the padding, and what the last window needs beyond it.
    var before: [Int] { padding }
    var after: [Int] = []
    var outputs: [Int] = []

    var windows: Windows { Windows(size: size, stride: stride, dilation: dilation, before: before, after: after) }

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
        dilation = spread(window.dilation, "dilation", from: 1)
        extents = Array(shape.dimensions[2...])
        for axis in 0..<count {
            let reach = ConvolutionGeometry.reach(size[axis], dilation[axis])
            guard padding[axis] <= reach / 2 else { refuse("padding \(padding[axis]) of more than half a window of \(reach)") }
            let padded = extents[axis] + 2 * padding[axis]
            // How far the last window begins behind the first; one that counts though it ends beyond may begin a stride less 1 further.
            let room = padded - reach + (window.isCeiling ? stride[axis] - 1 : 0)
            guard room >= 0, extents[axis] > 0 else { refuse("a window of \(reach) elements does not fit \(padded)") }
            var places = room / stride[axis] + 1
            // It must begin in the input or in the padding before it.
            if window.isCeiling && (places - 1) * stride[axis] >= extents[axis] + padding[axis] { places -= 1 }
            outputs.append(places)
            after.append(Swift.max(padding[axis], (places - 1) * stride[axis] + reach - extents[axis] - padding[axis]))
        }
    }

    /// Whether every window counts all its elements.
    func isEven(_ countsPadding: Bool) -> Bool {
        after == padding && (countsPadding || padding.allSatisfy { $0 == 0 })
    }
}
