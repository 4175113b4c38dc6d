import SomaBackend
import SomaGraph

// Attention reads query, key and value where they lie, as long as the features of a head follow each other: straight from the joined projection.
// Results [B, H, T, d] lie in memory as [B, T, H, d], which the next projection takes as it is.

extension Lowering {
    mutating func attention(_ operation: LibraryOperation, _ operands: [StridedView]) -> StridedView {
        let (q, v) = (operands[0].shape, operands[2].shape)
        let whole = add(.library(operation), operands.prefix(3).map { heads($0) } + masks(operands.dropFirst(3)), [1], .uint8)
        addResult(.value(0), of: whole, Shape(q.dimensions.dropLast() + [v[3]]), .float32, axes: Self.headsInside)
        addResult(.value(1), of: whole, Shape(q.dimensions.dropLast() + [2]), .float32)
        return whole
    }

    mutating func attentionGradient(_ operation: LibraryOperation, _ operands: [StridedView]) -> StridedView {
        let read = operands.prefix(3).map { heads($0) } + operands[3...4].map { contiguous($0) } + [heads(operands[5])]
        let whole = add(.library(operation), read + masks(operands.dropFirst(6)), [1], .uint8)
        for (index, operand) in operands.prefix(3).enumerated() {
            addResult(.value(index), of: whole, operand.shape, .float32, axes: Self.headsInside)
        }
        return whole
    }

    /// [B, H, T, d] as [B, T, H, d].
    private static let headsInside = [0, 2, 1, 3]

    /// A view that lies in memory, the features of a head side by side.
    private mutating func heads(_ view: StridedView) -> StridedView {
        let view = stored(view)
        return view.strides[3] == 1 || view.shape[3] == 1 ? view : copy(view)
    }

    /// Lengths in memory of their own; the bias wherever it lies.
    private mutating func masks(_ views: ArraySlice<StridedView>) -> [StridedView] {
        views.map { $0.shape.rank == 1 ? contiguous($0) : stored($0) }
    }
}
