import SomaGraph

/// How many elements are added on each side of a spatial axis.
public enum Padding: Hashable, Sendable {
    /// None: the filter stays inside of the input.
    case valid
    /// So many that there are ⌈extent / stride⌉ outputs; where their number is odd, the further one is added at the end.
    case same
    /// So many on both sides of every spatial axis.
    case all(Int)
    /// So many on both sides of each spatial axis.
    case each([Int])

    /// The elements before and behind an axis.
    func amounts(axis: Int, extent: Int, size: Int, stride: Int, dilation: Int) -> (before: Int, after: Int) {
        switch self {
        case .valid: return (0, 0)
        case .all(let amount): return (amount, amount)
        case .each(let amounts): return (amounts[axis], amounts[axis])
        case .same:
            // As many steps as begin inside of the input.
            let last = (Swift.max(extent, 1) - 1) / stride * stride
            let total = Swift.max(0, last.addingSaturated(ConvolutionGeometry.reach(size, dilation)) - extent)
            return (total / 2, total - total / 2)
        }
    }
}

/// What a convolution does besides its filter; one number for each spatial axis.
struct ConvolutionGeometry {
    var stride, dilation: [Int]
    var before, after: [Int]
    var groups: Int
    let name: String
    let file: StaticString
    let line: UInt

    /// Traps where the numbers do not fit `input` [N, C, spatial…] and `filter` [K, C / groups, spatial…].
    init(
        _ name: String, _ input: Shape, _ filter: Shape, _ stride: [Int], _ padding: Padding, _ dilation: [Int], _ groups: Int,
        _ file: StaticString, _ line: UInt
    ) {
        let count = input.rank - 2
        func refuse(_ reason: String) -> Never {
            programError(name, "\(reason), for input \(input) and filter \(filter)", file: file, line: line)
        }
        guard count >= 1, filter.rank == input.rank else { refuse("an input [N, C, …] and a filter [K, C / groups, …] have equal ranks") }
        func spread(_ numbers: [Int], _ what: String) -> [Int] {
            guard numbers.count == 1 || numbers.count == count, numbers.allSatisfy({ $0 > 0 }) else { refuse("\(what) \(numbers)") }
            return numbers.count == 1 ? [Int](repeating: numbers[0], count: count) : numbers
        }
        (self.stride, self.dilation) = (spread(stride, "stride"), spread(dilation, "dilation"))
        if case .each(let amounts) = padding, amounts.count != count { refuse("padding \(amounts)") }
        guard groups > 0, filter[0] % groups == 0 else { refuse("\(groups) groups do not divide \(filter[0]) filters") }
        (before, after, self.groups) = ([], [], groups)
        (self.name, self.file, self.line) = (name, file, line)
        for axis in 0..<count {
            let (extent, size) = (input[axis + 2], filter[axis + 2])
            let amounts = padding.amounts(axis: axis, extent: extent, size: size, stride: self.stride[axis], dilation: self.dilation[axis])
            guard size > 0, amounts.before >= 0 else { refuse("a filter of \(size) elements padded by \(amounts.before)") }
            before.append(amounts.before)
            after.append(amounts.after)
        }
    }

    /// The elements from a filter's first to its last, or the greatest number where these are more.
    static func reach(_ size: Int, _ dilation: Int) -> Int {
        let (gaps, overflow) = (size - 1).multipliedReportingOverflow(by: dilation)
        return overflow ? .max : gaps.addingSaturated(1)
    }

    /// The windows of filters of the shape `filter`.
    func windows(_ filter: Shape) -> Windows {
        Windows(size: Array(filter.dimensions[2...]), stride: stride, dilation: dilation, before: before, after: after)
    }

    /// Traps where a filter does not fit the padded input.
    func requireFit(_ input: Shape, _ filter: Shape) {
        guard input[1] == filter[1] * groups else {
            programError(name, "\(input[1]) channels of input \(input) are not \(groups) groups of the \(filter[1]) of filter \(filter)", file: file, line: line)
        }
        for axis in before.indices {
            let padded = input[axis + 2].addingSaturated(before[axis]).addingSaturated(after[axis])
            let reach = Self.reach(filter[axis + 2], dilation[axis])
            guard reach <= padded else {
                programError(name, "a filter that reaches over \(reach) elements does not fit the \(padded) of the padded input \(input)", file: file, line: line)
            }
        }
    }
}

/// The cross-correlation that deep learning calls convolution, in one, two or more spatial dimensions:
/// `y[n, k, o] = Σ_c Σ_r x[n, c, o·stride + r·dilation − padding] · w[k, c, r]`.
///
/// - Parameters:
///   - x: [N, C, spatial…].
///   - filter: w: [K, C / groups, spatial…]; filter k sees the channels of its group.
///   - stride, dilation: one number for all spatial axes, or one for each.
/// - Returns: [N, K, spatial…], each extent ⌊(n + padding − (size − 1)·dilation − 1) / stride⌋ + 1.
public func convolution(
    _ x: Tensor, _ filter: Tensor, stride: [Int] = [1], padding: Padding = .valid, dilation: [Int] = [1], groups: Int = 1,
    file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    let geometry = ConvolutionGeometry("convolution", x.shape, filter.shape, stride, padding, dilation, groups, file, line)
    geometry.requireFit(x.shape, filter.shape)
    return .convolution(x, filter, geometry.windows(filter.shape), groups)
}

/// The adjoint of `convolution` with respect to its input, also called transposed convolution:
/// `y[n, c, o·stride + r·dilation − padding] += x[n, k, o] · w[k, c, r]`.
///
/// - Parameters:
///   - x: [N, K, spatial…].
///   - filter: w: [K, C / groups, spatial…], as PyTorch's transposed layers have it.
///   - stride, padding, dilation: one number for all spatial axes, or one for each.
///   - outputPadding: elements that the result has more at the end of each axis; less than the stride or the dilation.
/// - Returns: [N, C, spatial…], each extent (n − 1)·stride − 2·padding + (size − 1)·dilation + 1 + outputPadding.
public func transposedConvolution(
    _ x: Tensor, _ filter: Tensor, stride: [Int] = [1], padding: [Int] = [0], outputPadding: [Int] = [0], dilation: [Int] = [1],
    groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    let amounts: Padding = padding.count == 1 ? .all(padding[0]) : .each(padding)
    let geometry = ConvolutionGeometry("transposedConvolution", x.shape, filter.shape, stride, amounts, dilation, groups, file, line)
    let axes = x.shape.dimensions.indices.dropFirst(2).map { geometry.transposed(axis: $0 - 2, x.shape, filter.shape, outputPadding) }
    let leading = [x.shape[0], filter.shape[1] * groups]
    // Padding may cut away all that windows reach.
    guard axes.allSatisfy({ $0.reached > 0 }) else { return .zeros(Shape(leading + axes.map { $0.reached + $0.rest }), device: x.device) }
    var windows = geometry.windows(filter.shape)
    windows.after = axes.map(\.after)
    let y = Tensor.convolutionInputGradient(x, filter, of: Shape(leading + axes.map(\.reached)), windows, groups)
    return y.padded([(0, 0), (0, 0)] + axes.map { (0, $0.rest) })
}

/// One axis of the result of a transposed convolution.
private struct TransposedAxis {
    /// The elements that windows reach, or could with a stride of their own.
    let reached: Int
    /// How many elements behind them, which no window reaches, end the axis.
    let rest: Int
    /// The elements cut off behind the axis: the padding, less what the output padding brings back of it.
    let after: Int
}

extension ConvolutionGeometry {
    fileprivate func transposed(axis: Int, _ x: Shape, _ filter: Shape, _ outputPadding: [Int]) -> TransposedAxis {
        func refuse(_ reason: String) -> Never { programError(name, reason, file: file, line: line) }
        guard x[1] == filter[0] else { refuse("\(x[1]) channels of input \(x) for filter \(filter)") }
        guard outputPadding.count == 1 || outputPadding.count == stride.count else { refuse("output padding \(outputPadding) for input \(x)") }
        let (stride, padding, extra) = (stride[axis], before[axis], outputPadding[outputPadding.count == 1 ? 0 : axis])
        guard extra >= 0, extra < Swift.max(stride, dilation[axis]) else { refuse("output padding \(extra) with stride \(stride)") }
        let (places, overflow) = (x[axis + 2] - 1).multipliedReportingOverflow(by: stride)
        let whole = places.addingSaturated(Self.reach(filter[axis + 2], dilation[axis])).addingSaturated(extra)
        guard !overflow, whole < .max else { refuse("stride \(stride) makes more of input \(x) than can be counted") }
        guard (whole - 1) / 2 >= padding else { refuse("padding \(padding) leaves nothing of \(whole) elements") }
        // Behind the last window there is room for less than a stride; what is wanted beyond comes from the padding, as far as that goes.
        let beyond = Swift.max(0, extra - (stride - 1)), uncut = Swift.min(beyond, padding)
        return TransposedAxis(reached: whole - 2 * padding - (beyond - uncut), rest: beyond - uncut, after: padding - uncut)
    }
}

// MARK: - The three products, and what they are composed of

extension Tensor {
    /// `ConvolutionPass.forward`: windows of x as the columns of a matrix, multiplied by the filters as rows.
    static func convolution(_ x: Tensor, _ filter: Tensor, _ windows: Windows, _ groups: Int) -> Tensor {
        let columns = x.spatiallyPadded(windows).spatialWindows(windows)
        let outputs = Array(columns.shape.dimensions[2..<x.rank])
        let product = matmul(filter.byGroups(groups), columns.columnMatrix(groups, spatial: outputs.count))
        let y = product.reshaped(to: Shape([filter.shape[0], x.shape[0]] + outputs)).transposed(0, 1)
        return Tensor(node: .library(.convolution(.forward, windows, groups: groups), composition: y.node, [x.node, filter.node]))
    }

    /// `ConvolutionPass.inputGradient`, of the shape of x.
    static func convolutionInputGradient(_ g: Tensor, _ filter: Tensor, of shape: Shape, _ windows: Windows, _ groups: Int) -> Tensor {
        let rows = g.transposed(0, 1).reshaped(to: [groups, g.shape[1] / groups, -1])
        let columns = matmul(filter.byGroups(groups).transposed(), rows)
        let split = columns.reshaped(to: Shape([shape[1]] + windows.size + [shape[0]] + g.shape.dimensions[2...]))
        // [N, C, outputs…, sizes…], and then one size after the other, the last first.
        let spatial = windows.size.count
        let order = [1 + spatial, 0] + (0..<spatial).map { 2 + spatial + $0 } + (0..<spatial).map { 1 + $0 }
        let dx = split.permuted(axes: order).spatiallyFolded(to: shape, windows)
        return Tensor(node: .library(.convolution(.inputGradient, windows, groups: groups), composition: dx.node, [g.node, filter.node]))
    }

    /// `ConvolutionPass.filterGradient`, of the shape of w.
    static func convolutionFilterGradient(_ x: Tensor, _ g: Tensor, of shape: Shape, _ windows: Windows, _ groups: Int) -> Tensor {
        let columns = x.spatiallyPadded(windows).spatialWindows(windows).columnMatrix(groups, spatial: windows.size.count)
        let rows = g.transposed(0, 1).reshaped(to: [groups, g.shape[1] / groups, -1])
        let dw = matmul(rows, columns.transposed()).reshaped(to: shape)
        return Tensor(node: .library(.convolution(.filterGradient, windows, groups: groups), composition: dw.node, [x.node, g.node]))
    }

    /// w as a matrix for each group: [groups, K / groups, C / groups · size].
    private func byGroups(_ groups: Int) -> Tensor {
        reshaped(to: [groups, shape[0] / groups, shape.count / Swift.max(shape[0], 1)])
    }

    /// [N, C, outputs…, sizes…] as a matrix for each group: [groups, C / groups · sizes, N · outputs].
    private func columnMatrix(_ groups: Int, spatial: Int) -> Tensor {
        let sizes = (0..<spatial).map { 2 + spatial + $0 }, outputs = (0..<spatial).map { 2 + $0 }
        let rows = permuted(axes: [1] + sizes + [0] + outputs)
        return rows.reshaped(to: [groups, rows.shape.dimensions[..<(1 + spatial)].reduce(1, *) / groups, -1])
    }
}
