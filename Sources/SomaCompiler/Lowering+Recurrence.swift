import SomaBackend
import SomaGraph

extension Lowering {
    mutating func recurrence(_ operation: LibraryOperation, _ recurrence: Recurrence, _ operands: [StridedView]) -> StridedView {
        let whole = add(.library(operation), operands.map { contiguous($0) }, [1], .uint8)
        let (gx, state) = (operands[0].shape, operands[2].shape)
        let y = Shape([gx[0]] + state.dimensions)
        let kept = recurrence.cell.keepsGates ? [gx, y] : []
        for (index, shape) in ([y] + Array(repeating: state, count: recurrence.cell.stateCount) + kept).enumerated() {
            addResult(.value(index), of: whole, shape, .float32)
        }
        return whole
    }

    mutating func recurrenceGradient(_ operation: LibraryOperation, _ operands: [StridedView]) -> StridedView {
        // Of gx only the shape is needed, which y and U tell.
        let whole = add(.library(operation), operands.dropFirst().map { contiguous($0) }, [1], .uint8)
        let shapes = [operands[0].shape] + Array(repeating: operands[2].shape, count: operation.resultCount - 1)
        for (index, shape) in shapes.enumerated() { addResult(.value(index), of: whole, shape, .float32) }
        return whole
    }
}
