import SomaBackend
import SomaGraph

// Steps of library operations with several results.

extension Emission {
    mutating func library(_ place: Int, _ library: LibraryOperation) -> Step? {
        switch library {
        case .attention(let attention): self.attention(place, attention, isGradient: false)
        case .attentionGradient(let attention): self.attention(place, attention, isGradient: true)
        case .recurrence(let recurrence): self.recurrence(place, recurrence, isGradient: false)
        case .recurrenceGradient(let recurrence): self.recurrence(place, recurrence, isGradient: true)
        case .convolution, .pooling, .poolingGradient: nil
        }
    }

    private mutating func attention(_ place: Int, _ attention: Attention, isGradient: Bool) -> Step {
        let operation = operations[place]
        let (q, k, v) = (operation.operands[0].shape, operation.operands[1].shape, operation.operands[2].shape)
        let inputs = operation.operands.map { operand($0, strides: $0.strides) }
        let results = operation.results.enumerated().map { index, result -> Operand in
            var target = target(result)
            // [B, T, H, d] in memory, seen as [B, H, T, d]; logarithms lie as they are.
            if isGradient || index == 0 { target.access.strides = [0, 2, 1, 3].map { target.access.strides[$0] } }
            return target
        }
        return .attention(
            AttentionStep(
                attention: attention, isGradient: isGradient, batch: q[0], heads: q[1], keyHeads: k[1], queries: q[2], keys: k[2], width: q[3],
                valueWidth: v[3], inputs: inputs, results: results))
    }

    private mutating func recurrence(_ place: Int, _ recurrence: Recurrence, isGradient: Bool) -> Step {
        let operation = operations[place], states = recurrence.cell.stateCount
        let gates = isGradient ? operations[operation.results[0]].shape : operation.operands[0].shape
        let inputs = operation.operands.map { operand($0, strides: $0.strides) }
        // Nobody reads the gates where no gradient is taken.
        let results = operation.results.enumerated().map { index, result in
            !isGradient && index > states && clusterOf[result] < 0 ? nil : target(result)
        }
        return .recurrence(
            RecurrenceStep(
                recurrence: recurrence, isGradient: isGradient, steps: gates[0], batch: gates[1], units: gates[2] / recurrence.cell.gates,
                inputs: inputs, results: results))
    }
}
