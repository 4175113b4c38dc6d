import SomaGraph

// Poolings told by what they give: n elements of an axis become m by windows from ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉, which are as even
// as can be and overlap where m does not divide n.

extension Tensor {
    /// The mean over windows that divide each spatial axis of [N, C, spatial…] into `outputs` as even parts as there can be. An
    /// output of 1 pools globally.
    public func adaptiveAveragePooled(to outputs: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireOutputs(outputs, "adaptiveAveragePooled", file, line)
        return outputs.indices.reduce(self) { $0.evenlyAveraged(axis: $1 + 2, outputs: outputs[$1]) }
    }

    /// The means of the parts of one axis.
    private func evenlyAveraged(axis: Int, outputs: Int) -> Tensor {
        let extent = shape[axis]
        var dimensions = shape.dimensions
        if outputs == 1 { return mean(alongAxes: axis, keepingDims: true) }
        if extent % outputs == 0 {
            dimensions.replaceSubrange(axis...axis, with: [outputs, extent / outputs])
            return reshaped(to: Shape(dimensions)).mean(alongAxes: axis + 1)
        }
        let parts = EvenParts(of: extent, count: outputs)
        dimensions.replaceSubrange(axis...axis, with: [outputs, parts.longest])
        let sums = laidApart(parts, axis: axis, filledWith: 0).reshaped(to: Shape(dimensions)).sum(alongAxes: axis + 1)
        // int64: the products do not overflow.
        let (first, end) = parts.bounds(of: .range(outputs, dtype: .int64, device: device))
        return sums / (end - first).as(dtype).reshaped(to: Shape([outputs] + [Int](repeating: 1, count: rank - axis - 1)))
    }

    /// The greatest element of windows that divide each spatial axis of [N, C, spatial…] into `outputs` as even parts as there can
    /// be. Of equal ones the first takes the gradient.
    public func adaptiveMaxPooled(to outputs: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireOutputs(outputs, "adaptiveMaxPooled", file, line)
        let parts = outputs.indices.map { EvenParts(of: shape[$0 + 2], count: outputs[$0]) }
        let apart = parts.indices.reduce(self) { $0.laidApart(parts[$1], axis: $1 + 2, filledWith: -.infinity) }
        return apart.maxPooled(PoolingWindow(size: parts.map(\.longest)), file: file, line: line)
    }

    /// The parts of an axis one after the other, each as long as the longest: behind the shorter ones is `fill`, which changes no result.
    private func laidApart(_ parts: EvenParts, axis: Int, filledWith fill: Double) -> Tensor {
        if parts.extent % parts.count == 0 { return self }
        let place = Tensor.range(parts.count * parts.longest, dtype: .int64, device: device)
        let part = place / Double(parts.longest)
        let (first, end) = parts.bounds(of: part)
        let source = first + place - part * Double(parts.longest)
        var mask = [Int](repeating: 1, count: rank)
        mask[axis] = place.count
        let isOwn = source .< end
        let elements = gathered(atIndices: Tensor.select(isOwn, source, end - 1).as(.int32), alongAxis: axis)
        return .select(isOwn.reshaped(to: Shape(mask)), elements, operand(fill, "adaptive pooling"))
    }

    private func requireOutputs(_ outputs: [Int], _ name: String, _ file: StaticString, _ line: UInt) {
        guard rank >= 3, outputs.count == rank - 2, outputs.allSatisfy({ $0 > 0 }), shape.dimensions[2...].allSatisfy({ $0 > 0 }) else {
            programError(name, "outputs \(outputs) for \(shape)", file: file, line: line)
        }
    }
}

/// The windows of one axis.
private struct EvenParts {
    let extent, count: Int
    /// The elements of the longest window.
    let longest: Int

    init(of extent: Int, count: Int) {
        (self.extent, self.count) = (extent, count)
        longest = (0..<count).map { (($0 + 1) * extent + count - 1) / count - $0 * extent / count }.max() ?? 0
    }

    /// Where each of `parts` (their numbers) begins, and where it has ended.
    func bounds(of parts: Tensor) -> (first: Tensor, end: Tensor) {
        (parts * Double(extent) / Double(count), ((parts + 1) * Double(extent) + Double(count - 1)) / Double(count))
    }
}
