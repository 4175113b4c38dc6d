import SomaBackend
import SomaGraph

// Library operations: the device's own step where it has one, the composition where it has none.

extension Lowering {
    /// Whether the device has a step for an operation.
    func hasStep(_ operation: LibraryOperation, _ entry: GraphSnapshot.Entry, _ entries: [GraphSnapshot.Entry]) -> Bool {
        let operands = entry.inputs.dropFirst(operation.resultCount).map { entries[$0].shape }
        switch operation {
        case .convolution, .pooling, .poolingGradient: return hasStepForImages(entry, operands)
        case .attention, .attentionGradient:
            let widths = [operands[0], operands[2]].map { $0.dimensions.last ?? 0 }
            return widths.allSatisfy { (1...max(capabilities.attentionWidth, 1)).contains($0) } && capabilities.attentionWidth > 0
                && operands.allSatisfy { $0.count > 0 }
        // A single step is a product and a map.
        case .recurrence, .recurrenceGradient: return capabilities.hasRecurrence && operands.allSatisfy { $0.count > 0 } && operands[0][0] > 1
        }
    }

    /// - Parameter isOwn: whether the device has a step for it.
    mutating func library(_ operation: LibraryOperation, isOwn: Bool, _ inputs: [StridedView], _ shape: Shape, _ dtype: DType) -> StridedView {
        let operands = Array(inputs.dropFirst(operation.resultCount))
        if !isOwn {
            if operation.resultCount > 1 { takeCompositions(inputs.prefix(operation.resultCount)) }
            return inputs[0]
        }
        switch operation {
        case .convolution, .pooling, .poolingGradient: return image(operation, operands, shape, dtype)
        case .attention: return attention(operation, operands)
        case .attentionGradient: return attentionGradient(operation, operands)
        case .recurrence(let recurrence): return self.recurrence(operation, recurrence, operands)
        case .recurrenceGradient: return recurrenceGradient(operation, operands)
        }
    }
}
