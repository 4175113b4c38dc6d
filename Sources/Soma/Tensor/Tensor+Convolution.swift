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
    let columns = x.spatiallyPadded(geometry).spatialWindows(Array(filter.shape.dimensions[2...]), geometry)
    let outputs = Array(columns.shape.dimensions[2..<x.rank])
    let product = matmul(filter.byGroups(groups), columns.columnMatrix(groups, spatial: outputs.count))
    return product.fromChannelsFirst(channels: filter.shape[0], batch: x.shape[0], spatial: outputs)
}

/// The adjoint of `convolution` with respect to its input, also called transposed convolution:
/// `y[n, c, o·stride + r·dilation − padding] += x[n, k, o] · w[k, c, r]`.
///
/// - Parameters:
///   - x: [N, K, spatial…].
///   - filter: w: [K, C / groups, spatial…], as PyTorch's transposed layers have it.
///   - outputPadding: elements that the result has more at the end of each axis; less than the stride or the dilation.
/// - Returns: [N, C, spatial…], each extent (n − 1)·stride − 2·padding + (size − 1)·dilation + 1 + outputPadding.
public func transposedConvolution(
    _ x: Tensor, _ filter: Tensor, stride: [Int] = [1], padding: Int = 0, outputPadding: [Int] = [0], dilation: [Int] = [1],
    groups: Int = 1, file: StaticString = #fileID, line: UInt = #line
) -> Tensor {
    let geometry = ConvolutionGeometry("transposedConvolution", x.shape, filter.shape, stride, .all(padding), dilation, groups, file, line)
    let spatial = geometry.stride.count
    guard x.shape[1] == filter.shape[0] else {
        programError("transposedConvolution", "\(x.shape[1]) channels of input \(x.shape) for filter \(filter.shape)", file: file, line: line)
    }
    guard outputPadding.count == 1 || outputPadding.count == spatial else {
        programError("transposedConvolution", "output padding \(outputPadding) for input \(x.shape)", file: file, line: line)
    }
    let extents = (0..<spatial).map { axis in
        let extra = outputPadding[outputPadding.count == 1 ? 0 : axis]
        guard extra >= 0, extra < Swift.max(geometry.stride[axis], geometry.dilation[axis]) else {
            programError("transposedConvolution", "output padding \(extra) with stride \(geometry.stride[axis])", file: file, line: line)
        }
        let (places, overflow) = (x.shape[axis + 2] - 1).multipliedReportingOverflow(by: geometry.stride[axis])
        let reach = ConvolutionGeometry.reach(filter.shape[axis + 2], geometry.dilation[axis])
        let extent = places.addingSaturated(reach).addingSaturated(extra)
        guard !overflow, extent < .max else {
            programError("transposedConvolution", "stride \(geometry.stride[axis]) makes more of input \(x.shape) than can be counted", file: file, line: line)
        }
        return extent
    }
    guard extents.allSatisfy({ ($0 - 1) / 2 >= padding }) else {
        programError("transposedConvolution", "padding \(padding) leaves nothing of \(extents)", file: file, line: line)
    }
    let channels = filter.shape[1] * groups
    let rows = x.transposed(0, 1).reshaped(to: [groups, x.shape[1] / groups, -1])
    let columns = matmul(filter.byGroups(groups).transposed(), rows)
    return columns.foldedColumns(channels: channels, filter: filter.shape, batch: x.shape[0], outputs: x.shape, extents, geometry)
        .croppedSpatially(padding)
}

// MARK: - The steps of both

extension Tensor {
    /// w as a matrix for each group: [groups, K / groups, C / groups · size].
    fileprivate func byGroups(_ groups: Int) -> Tensor {
        reshaped(to: [groups, shape[0] / groups, shape.count / Swift.max(shape[0], 1)])
    }

    fileprivate func spatiallyPadded(_ geometry: ConvolutionGeometry) -> Tensor {
        if geometry.before.allSatisfy({ $0 == 0 }) && geometry.after.allSatisfy({ $0 == 0 }) { return self }
        return Tensor(node: .pad(node, before: [0, 0] + geometry.before, after: [0, 0] + geometry.after, value: operand(0, geometry.name).node))
    }

    /// [N, C, spatial…] as [N, C, outputs…, sizes…].
    fileprivate func spatialWindows(_ sizes: [Int], _ geometry: ConvolutionGeometry) -> Tensor {
        sizes.indices.reduce(self) { windows, axis in
            windows.windows(alongAxis: axis + 2, size: sizes[axis], step: geometry.stride[axis], dilation: geometry.dilation[axis])
        }
    }

    /// [N, C, outputs…, sizes…] as a matrix for each group: [groups, C / groups · sizes, N · outputs].
    fileprivate func columnMatrix(_ groups: Int, spatial: Int) -> Tensor {
        let sizes = (0..<spatial).map { 2 + spatial + $0 }, outputs = (0..<spatial).map { 2 + $0 }
        let rows = permuted(axes: [1] + sizes + [0] + outputs)
        return rows.reshaped(to: [groups, rows.shape.dimensions[..<(1 + spatial)].reduce(1, *) / groups, -1])
    }

    /// [groups, K / groups, N · outputs] as [N, K, outputs…].
    fileprivate func fromChannelsFirst(channels: Int, batch: Int, spatial: [Int]) -> Tensor {
        reshaped(to: Shape([channels, batch] + spatial)).transposed(0, 1)
    }

    /// [groups, C / groups · sizes, N · outputs] folded to [N, C, extents…].
    fileprivate func foldedColumns(
        channels: Int, filter: Shape, batch: Int, outputs: Shape, _ extents: [Int], _ geometry: ConvolutionGeometry
    ) -> Tensor {
        let spatial = extents.count
        let split = reshaped(to: Shape([channels] + filter.dimensions[2...] + [batch] + outputs.dimensions[2...]))
        // [N, C, outputs…, sizes…], and then one size after the other, the last first.
        let order = [1 + spatial, 0] + (0..<spatial).map { 2 + spatial + $0 } + (0..<spatial).map { 1 + $0 }
        return (0..<spatial).reversed().reduce(split.permuted(axes: order)) { windows, axis in
            windows.folded(alongAxis: axis + 2, extent: extents[axis], step: geometry.stride[axis], dilation: geometry.dilation[axis])
        }
    }

    fileprivate func croppedSpatially(_ amount: Int) -> Tensor {
        if amount == 0 { return self }
        let starts = [0, 0] + [Int](repeating: amount, count: rank - 2)
        let extents = Shape((0..<rank).map { $0 < 2 ? shape[$0] : shape[$0] - 2 * amount })
        return block(at: starts, of: extents)
    }
}
