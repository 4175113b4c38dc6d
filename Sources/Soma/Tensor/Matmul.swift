import SomaGraph

/// The product of matrices: [..., m, k] · [..., k, n] = [..., m, n].
///
/// Leading axes are batches and broadcast. A vector counts as a row on the left and as a column on the right, and its axis
/// is dropped from the result: [k] · [k] is a number, [m, k] · [k] is [m], [k] · [k, n] is [n].
public func matmul(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    guard a.rank > 0, b.rank > 0, a.shape[a.rank - 1] == b.shape[Swift.max(0, b.rank - 2)] else {
        programError("matmul", "shapes \(a.shape) and \(b.shape) do not match", file: file, line: line)
    }
    guard a.dtype == .float32, b.dtype == .float32 else {
        programError("matmul", "defined for float32, not \(a.dtype) and \(b.dtype)", file: file, line: line)
    }
    if a.rank == 1 && b.rank == 1 { return dot(a, b, file: file, line: line) }
    if a.rank == 1 { return matmul(a.expandingDims(at: 0), b, file: file, line: line).dropping([b.rank - 2]) }
    if b.rank == 1 { return matmul(a, b.expandingDims(at: 1), file: file, line: line).dropping([a.rank - 1]) }
    return b.rank == 2 ? .rowsMatmul(a, b) : .batchMatmul(a, b, file, line)
}

/// The sum of the products of two vectors' elements.
public func dot(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    guard a.rank == 1, a.shape == b.shape else {
        programError("dot", "shapes \(a.shape) and \(b.shape) are not two equal vectors", file: file, line: line)
    }
    return (a * b).sum()
}

/// The matrix of all products of two vectors' elements: [m], [n] → [m, n].
public func outer(_ a: Tensor, _ b: Tensor, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
    guard a.rank == 1, b.rank == 1 else {
        programError("outer", "shapes \(a.shape) and \(b.shape) are not vectors", file: file, line: line)
    }
    return a.expandingDims(at: 1) * b.expandingDims(at: 0)
}

extension Tensor {
    /// One matrix on the right serves all batches: they become rows of one product.
    fileprivate static func rowsMatmul(_ a: Tensor, _ b: Tensor) -> Tensor {
        if a.rank == 2 { return Tensor(node: .matmul(a.node, b.node)) }
        let leading = a.shape.dimensions.dropLast()
        let rows = Node.reshape(a.node, to: [leading.reduce(1, *), b.shape[0]])
        return Tensor(node: .reshape(.matmul(rows, b.node), to: Shape(leading + [b.shape[1]])))
    }

    fileprivate static func batchMatmul(_ a: Tensor, _ b: Tensor, _ file: StaticString, _ line: UInt) -> Tensor {
        let aBatch = Shape(a.shape.dimensions.dropLast(2))
        let bBatch = Shape(b.shape.dimensions.dropLast(2))
        guard let batch = Shape.broadcast(aBatch, bBatch) else {
            programError("matmul", "the batches of \(a.shape) and \(b.shape) do not match", file: file, line: line)
        }
        func batched(_ x: Tensor) -> Node {
            x.repeated(to: Shape(batch.dimensions + x.shape.dimensions.suffix(2))).node
        }
        return Tensor(node: .matmul(batched(a), batched(b)))
    }
}
