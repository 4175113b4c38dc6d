import SomaGraph

extension Tensor: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The values as PyTorch writes them, with dtype, shape and device; of more than 1,000 elements the first and last three along each
    /// axis.
    ///
    /// What is not computed yet is computed for this alone: the tensor stays as it is, so that a gradient can still be taken through it.
    /// Where there are no values, as in a step that is being captured or on a device that fails, the reason stands in their place.
    public var description: String { "Tensor(\(valueText(indent: 7)), \(kind))" }
    public var debugDescription: String { description }

    public var customMirror: Mirror {
        Mirror(self, children: ["shape": shape.dimensions, "dtype": dtype, "device": device], displayStyle: .struct)
    }

    /// Everything but the values.
    var kind: String { "\(dtype) \(shape) on \(device)" }

    /// The values, in lines of which the first stands behind `indent` columns; or why there are none.
    func valueText(indent: Int) -> String {
        if Capture.current != nil { return "no values while a step is captured" }
        do {
            let layout = TensorLayout(shape)
            return layout.text(try numbers(layout), dtype, indent: indent)
        } catch { return "no values: \(error)" }
    }

    /// The numbers that `layout` shows, without reading the others.
    private func numbers(_ layout: TensorLayout) throws -> [ExactNumber] {
        if count == 0 { return [] }
        let tensor = node.hasElements ? self : copyToRead
        let (storage, size) = (try tensor.storage(), dtype.byteCount)
        return try layout.runs.flatMap { run -> [ExactNumber] in
            var bytes = [UInt8](repeating: 0, count: run.count * size)
            try bytes.withUnsafeMutableBytes { try tensor.read(storage, from: run.lowerBound * size, into: $0) }
            return bytes.withUnsafeBytes { bytes in
                (0..<run.count).map { dtype.number(at: UnsafeRawBufferPointer(rebasing: bytes[$0 * size..<($0 + 1) * size])) }
            }
        }
    }

    /// The same elements as a node of its own: computing a node releases the graph below it.
    private var copyToRead: Tensor { Tensor(node: .reshape(node, to: shape == [1, count] ? [count] : [1, count])) }
}

extension Parameter: CustomStringConvertible, CustomDebugStringConvertible {
    /// The current value, as a tensor is described.
    public var description: String { "Parameter(\(tensor.valueText(indent: 10)), \(tensor.kind))" }
    /// Without the values, so that a model in print is no longer than its layers.
    public var debugDescription: String { "Parameter(\(tensor.kind))" }
}

extension State: CustomStringConvertible, CustomDebugStringConvertible {
    /// The newest version, as a tensor is described.
    public var description: String { "State(\(tensor.valueText(indent: 6)), \(tensor.kind))" }
    /// Without the values.
    public var debugDescription: String { "State(\(dtype) \(shape) on \(device))" }
}
