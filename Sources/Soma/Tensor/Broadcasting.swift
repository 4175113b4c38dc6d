import SomaGraph

// Operands of an elementwise function broadcast by NumPy's rule: shapes are aligned at the last axis, an extent of 1
// stretches. An operand of rank 0 is left as it is: a map reads it as one number.

extension Tensor {
    /// The elementwise `function` of two tensors of one dtype.
    @inline(__always)
    static func binary(_ function: BinaryFunction, _ a: Tensor, _ b: Tensor) -> Tensor {
        if a.node.shape == b.node.shape && a.node.shape.rank != 0 {
            return Tensor(node: .binary(function, a.node, b.node))
        }
        return broadcastBinary(function, a, b)
    }

    @inline(never)
    private static func broadcastBinary(_ function: BinaryFunction, _ a: Tensor, _ b: Tensor) -> Tensor {
        if a.rank == 0 && b.rank == 0 { return scalarBinary(function, a, b) }
        if a.rank == 0 || b.rank == 0 { return Tensor(node: .binary(function, a.node, b.node)) }
        let shape = broadcastShape("\(function)", a, b)
        return Tensor(node: .binary(function, a.stretched(to: shape).node, b.stretched(to: shape).node))
    }

    /// Two constants are folded here, if they will be the same when a captured step is replayed.
    private static func scalarBinary(_ function: BinaryFunction, _ a: Tensor, _ b: Tensor) -> Tensor {
        if case .constant(let x) = a.node.primitive, case .constant(let y) = b.node.primitive,
            a.node.device == b.node.device,
            !Capture.varies(a.node), !Capture.varies(b.node), let folded = x.combined(with: y, by: function)
        {
            return Tensor(node: .constant(folded, device: a.node.device))
        }
        return Tensor(node: .binary(function, a.node, b.node))
    }

    static func broadcastShape(_ operation: @autoclosure () -> String, _ a: Tensor, _ b: Tensor) -> Shape {
        guard let shape = Shape.broadcast(a.shape, b.shape) else {
            programError(operation(), "shapes \(a.shape) and \(b.shape) do not match")
        }
        return shape
    }

    /// Repeated to `shape`, which this shape broadcasts to; rank 0 stays rank 0.
    func stretched(to shape: Shape) -> Tensor {
        rank == 0 || self.shape == shape ? self : repeated(to: shape)
    }

    /// Repeated to `shape`, which this shape broadcasts to.
    package func repeated(to shape: Shape) -> Tensor {
        let missing = shape.rank - rank
        if missing == 0 { return Tensor(node: .expand(node, to: shape)) }
        let aligned = Shape([Int](repeating: 1, count: missing) + self.shape.dimensions)
        return Tensor(node: .expand(.reshape(node, to: aligned), to: shape))
    }
}
