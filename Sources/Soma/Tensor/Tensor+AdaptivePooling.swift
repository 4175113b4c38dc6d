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

    /// The greatest element of windows that divide each spatial axis of [N, C, spatial…] into `outputs` as even parts as there can
    /// be. Of equal ones the first takes the gradient.
    public func adaptiveMaxPooled(to outputs: [Int], file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        requireOutputs(outputs, "adaptiveMaxPooled", file, line)
        let parts = outputs.indices.map { EvenParts(of: shape[$0 + 2], count: outputs[$0]) }
        let apart = parts.indices.reduce(self) { $0.laidApart(parts[$1], axis: $1 + 2) }
        return apart.maxPooled(PoolingWindow(size: parts.map(\.longest)), file: file, line: line)
    }

    /// The parts of an axis one after the other, each as long as the longest: behind the shorter ones is what no maximum takes.
    private func laidApart(_ parts: EvenParts, axis: Int) -> Tensor {
        if parts.extent % parts.count == 0 { return self }
        let place = Tensor.range(parts.count * parts.longest, device: device)
        let part = place / Double(parts.longest)
        let first = part * Double(parts.extent) / Double(parts.count)
        let end = ((part + 1) * Double(parts.extent) + Double(parts.count - 1)) / Double(parts.count)
        let source = first + place - part * Double(parts.longest)
        var mask = [Int](repeating: 1, count: rank)
        mask[axis] = place.count
        let isOwn = source .< end
        let elements = gathered(atIndices: .select(isOwn, source, end - 1), alongAxis: axis)
        return .select(isOwn.reshaped(to: Shape(mask)), elements, operand(-.infinity, "adaptiveMaxPooled"))
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
}
