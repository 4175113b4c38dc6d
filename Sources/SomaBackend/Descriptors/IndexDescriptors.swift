import SomaGraph

extension GatherStep: StepDescriptor {
    public var name: String { "gather" }
    public var label: String { "gather \(count) of \(extent)" + (outer * inner > 1 ? ", each \(outer * inner)" : "") }
    public var reads: [Operand] { [input, indices] }
    public var writes: [Operand] { [output] }

    public var byteCounts: (read: Int, written: Int) {
        let moved = outer * count * inner * output.dtype.byteCount
        return (moved + count * indices.dtype.byteCount, moved)
    }
}

extension ScatterAddStep: StepDescriptor {
    public var name: String { "scatterAdd" }
    public var label: String { "scatter-add \(count) into \(extent)" + (outer * inner > 1 ? ", each \(outer * inner)" : "") }
    public var reads: [Operand] { [indices, updates, target] }
    public var writes: [Operand] { [target] }
    public var otherOperations: Double { updates.dtype.isFloatingPoint ? Double(outer * count * inner) : 0 }

    public var byteCounts: (read: Int, written: Int) {
        let moved = outer * count * inner * updates.dtype.byteCount
        return (2 * moved + count * indices.dtype.byteCount, moved)
    }
}

extension BlockCopyStep: StepDescriptor {
    public var name: String { "blockCopy" }
    public var label: String { "block copy \(text(extents))" }
    public var reads: [Operand] { [source, starts] }
    public var writes: [Operand] { [target] }

    public var byteCounts: (read: Int, written: Int) {
        let moved = extents.reduce(1, *) * source.dtype.byteCount
        return (moved, moved)
    }
}

extension CustomStep: StepDescriptor {
    public var name: String { operation.name }
    public var label: String { "\(operation.name) \(text(outputShape.dimensions))" }
    public var reads: [Operand] { inputs }
    public var writes: [Operand] { [output] }

    public var byteCounts: (read: Int, written: Int) {
        let read = zip(inputs, inputShapes).reduce(0) { $0 + $1.0.dtype.byteCount * $1.1.count }
        return (read, output.dtype.byteCount * outputShape.count)
    }
}
