import SomaGraph

/// Steps of a recurrent layer over sequences, or their gradient; see `LibraryOperation.recurrence` and `recurrenceGradient`. All operands are
/// contiguous.
public struct RecurrenceStep: Hashable, Sendable {
    /// The cell, the direction, and what there is besides.
    public var recurrence: Recurrence
    /// Whether it computes what gx and the first states get.
    public var isGradient: Bool
    /// T, N and H.
    public var steps, batch, units: Int
    /// gx, U, the first states, bias, lengths; for the gradient U, the first states, bias, y, gates, inner, the gradients of y and of the last
    /// states, lengths.
    public var inputs: [Operand]
    /// y, the last states, gates and inner, the last two nil where nobody reads them; for the gradient what gx and the first states get.
    public var results: [Operand?]

    /// Does not check that the operands have these extents.
    public init(
        recurrence: Recurrence, isGradient: Bool, steps: Int, batch: Int, units: Int, inputs: [Operand], results: [Operand?]
    ) {
        (self.recurrence, self.isGradient, self.steps, self.batch, self.units) = (recurrence, isGradient, steps, batch, units)
        (self.inputs, self.results) = (inputs, results)
    }

    /// How many steps each sequence has.
    public var lengths: Operand? { recurrence.hasLengths ? inputs[inputs.count - 1] : nil }
    private var biasIndex: Int { (isGradient ? 1 : 2) + recurrence.cell.stateCount }
    /// What is added to U h.
    public var bias: Operand? { recurrence.hasBias ? inputs[biasIndex] : nil }
    /// Of a gradient the index of y among the inputs.
    public var outputIndex: Int { biasIndex + (recurrence.hasBias ? 1 : 0) }
}

extension RecurrenceStep: StepDescriptor {
    public var name: String { isGradient ? "recurrenceGradient" : "recurrence" }
    public var reads: [Operand] { inputs }
    public var writes: [Operand] { results.compactMap { $0 } }

    public var label: String {
        "\(recurrence.cell) recurrence\(isGradient ? " gradient" : "") of \(steps) steps\(recurrence.isReversed ? ", reversed" : ""), "
            + "\(batch) of \(units) units"
    }

    private var cells: Double { Double(steps * batch) * Double(units) }

    public var productOperations: Double { 2 * cells * Double(recurrence.cell.gates * units) }
    // About two for each gate and a few for the state; of the gradient twice as many.
    public var otherOperations: Double { cells * Double((2 * recurrence.cell.gates + 3) * (isGradient ? 2 : 1)) }

    public var byteCounts: (read: Int, written: Int) {
        let (gates, state) = (recurrence.cell.gates, batch * units)
        let (all, weight) = (steps * state, gates * units * units)
        let lengths = recurrence.hasLengths ? batch : 0
        let kept = recurrence.cell.keepsGates ? (gates + 1) * all : 0
        let states = recurrence.cell.stateCount * state
        if isGradient { return (4 * (2 * all + kept + weight + 2 * states + lengths), 4 * (gates * all + states)) }
        let isKept = recurrence.cell.keepsGates && results[results.count - 1] != nil
        return (4 * (gates * all + weight + states + lengths), 4 * (all + states + (isKept ? kept : 0)))
    }
}
