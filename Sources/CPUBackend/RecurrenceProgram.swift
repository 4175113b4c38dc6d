import CPUKernels
import SomaBackend
import SomaGraph

/// Steps of a recurrent layer, or their gradient.
final class RecurrenceProgram: CPUStep, @unchecked Sendable {
    private let step: RecurrenceStep
    private let recurrence: soma_recurrence

    init(_ step: RecurrenceStep) {
        self.step = step
        let cell =
            switch step.recurrence.cell {
            case .tanh: soma_cell_tanh
            case .relu: soma_cell_relu
            case .lstm: soma_cell_lstm
            case .gru: soma_cell_gru
            }
        recurrence = soma_recurrence(
            cell: cell, is_reversed: step.recurrence.isReversed, steps: step.steps, batch: step.batch, units: step.units)
    }

    override func run(_ context: RunContext) throws {
        func read(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(context.base(step.inputs[index]).assumingMemoryBound(to: Float.self)) }
        func written(_ index: Int) -> UnsafeMutablePointer<Float>? {
            step.results[index].map { context.base($0).assumingMemoryBound(to: Float.self) }
        }
        let (cell, isLSTM) = (step.recurrence.cell, step.recurrence.cell == .lstm)
        let lengths = step.lengths.map { UnsafePointer(context.base($0).assumingMemoryBound(to: Int32.self)) }
        var recurrence = recurrence
        let hasMemory: Bool
        if step.isGradient {
            let y = step.outputIndex, gy = y + (cell.keepsGates ? 3 : 1)
            var gradient = soma_recurrence_gradient(
                u: read(0), h0: read(1), c0: isLSTM ? read(2) : nil, lengths: lengths, y: read(y), gates: cell.keepsGates ? read(y + 1) : nil,
                inner: cell.keepsGates ? read(y + 2) : nil, gy: read(gy), gh: read(gy + 1), gc: isLSTM ? read(gy + 2) : nil, dgx: written(0),
                dh0: written(1), dc0: isLSTM ? written(2) : nil)
            hasMemory = soma_recurrence_run_gradient(&recurrence, &gradient)
        } else {
            let kept = 1 + cell.stateCount
            var pass = soma_recurrence_pass(
                gx: read(0), u: read(1), bias: step.bias.map { UnsafePointer(context.base($0).assumingMemoryBound(to: Float.self)) }, h0: read(2),
                c0: isLSTM ? read(3) : nil, lengths: lengths, y: written(0), h: written(1), c: isLSTM ? written(2) : nil,
                gates: cell.keepsGates ? written(kept) : nil, inner: cell.keepsGates ? written(kept + 1) : nil)
            hasMemory = soma_recurrence_run(&recurrence, &pass)
        }
        guard hasMemory else { throw BackendError.noScratchMemory }
    }
}
