import SomaBackend
import SomaGraph

extension Operation {
    /// The positions over which the epilogue of a product runs.
    var productShape: Shape? {
        switch kind {
        case .matmul: MatmulGeometry(self)?.shape
        case .convolution(.filterGradient, _, _, _), .convolution(_, _, _, .channelsFirst): shape.withTwoSpatialAxes
        case .convolution: shape.rank == 4 ? shape : [shape[0], 1, shape[1], shape[2]]
        default: nil
        }
    }
}

/// The extents and operand strides of a matrix product, batches folded into rows where the right side is shared.
struct MatmulGeometry {
    var batch, m, n, k: Int
    var a, b: [Int]
    var shape: Shape { [batch, m, n] }

    init?(_ operation: Operation) {
        guard operation.kind == .matmul, let left = MatrixLayout(operation.operands[0]), let right = MatrixLayout(operation.operands[1]) else { return nil }
        (batch, m, n, k) = (left.batch, left.rows, right.columns, left.columns)
        (a, b) = (left.strides, right.strides)
        if batch > 1, b[0] == 0, a[2] == 1, a[0] == m * a[1] {
            (batch, m) = (1, batch * m)
            a[0] = 0
        }
    }
}
