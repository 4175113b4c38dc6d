import SomaGraph

// One pass over sequences in one direction for each family of recurrent cells: what a device may have a kernel for.
//
// gx [T, N, gates · H] is what the input adds to the gates of each step, u [gates · H, H] the recurrent weight, an initial state [N, H]. lengths
// (int32 [N], 1 ... T) tell how many of the T steps are a sequence's own: at the others its state stays and y is 0. y is [T, N, H].

/// h ← φ(gx + U h). J. L. Elman, *Finding Structure in Time*, Cognitive Science 14, 1990.
package func simpleRecurrence(
    _ gx: Tensor, _ u: Tensor, from h: Tensor, lengths: Tensor?, isReversed: Bool, _ activation: SimpleRNN.Activation
) -> (y: Tensor, h: Tensor) {
    let recurrence = Recurrence(activation == .tanh ? .tanh : .relu, isReversed: isReversed, hasLengths: lengths != nil)
    let transposed = u.transposed()
    let (y, states) = recurrent(recurrence, gx, u, from: [h], bias: nil, lengths) { gx, states in
        let sum = gx + matmul(states[0], transposed)
        return Cell(states: [activation == .tanh ? tanh(sum) : relu(sum)])
    }
    return (y, states[0])
}

/// With the gates i, f, g, o of gx + U h: c ← σ(f) ⊙ c + σ(i) ⊙ tanh g, h ← σ(o) ⊙ tanh c.
///
/// S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 9, 1997; the forget gate is of F. A. Gers, J. Schmidhuber,
/// F. Cummins, *Learning to Forget*, Neural Computation 12, 2000.
package func lstmRecurrence(
    _ gx: Tensor, _ u: Tensor, from state: LSTMState, lengths: Tensor?, isReversed: Bool
) -> (y: Tensor, state: LSTMState) {
    let transposed = u.transposed()
    let recurrence = Recurrence(.lstm, isReversed: isReversed, hasLengths: lengths != nil)
    let (y, states) = recurrent(recurrence, gx, u, from: [state.h, state.c], bias: nil, lengths) { gx, states in
        let sums = gx + matmul(states[0], transposed)
        let (i, f, o) = (sigmoid(sums.gate(0, of: 4)), sigmoid(sums.gate(1, of: 4)), sigmoid(sums.gate(3, of: 4)))
        let g = tanh(sums.gate(2, of: 4))
        let c = f * states[1] + i * g
        return Cell(states: [o * tanh(c), c], gates: [i, f, g, o])
    }
    return (y, LSTMState(h: states[0], c: states[1]))
}

/// With the gates r, z, n of gx and of U h + b: r and z are σ of their sums, n = tanh(gx + r ⊙ (U h + b)), and h ← (1 − z) ⊙ n + z ⊙ h.
///
/// K. Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation*, EMNLP 2014, where r is
/// multiplied by h instead; this form is that of cuDNN and PyTorch.
/// - Parameter bias: b [3 · H].
package func gruRecurrence(
    _ gx: Tensor, _ u: Tensor, bias: Tensor?, from h: Tensor, lengths: Tensor?, isReversed: Bool
) -> (y: Tensor, h: Tensor) {
    let transposed = u.transposed()
    let recurrence = Recurrence(.gru, isReversed: isReversed, hasBias: bias != nil, hasLengths: lengths != nil)
    let (y, states) = recurrent(recurrence, gx, u, from: [h], bias: bias, lengths) { gx, states in
        let product = matmul(states[0], transposed)
        let recurrent = bias.map { product + $0 } ?? product
        let r = sigmoid(gx.gate(0, of: 3) + recurrent.gate(0, of: 3))
        let z = sigmoid(gx.gate(1, of: 3) + recurrent.gate(1, of: 3))
        let inner = recurrent.gate(2, of: 3)
        let n = tanh(gx.gate(2, of: 3) + r * inner)
        return Cell(states: [n + z * (states[0] - n)], gates: [r, z, n], inner: inner)
    }
    return (y, states[0])
}

/// What a step makes: the next states, and of cells that keep their gates these, [N, H] each, and what lies within a step.
private struct Cell {
    var states: [Tensor]
    var gates: [Tensor] = []
    /// Of an LSTM its second state.
    var inner: Tensor?
}

/// The first state of each step, stacked, and the states after the last, as an operation that a device may have a step for.
private func recurrent(
    _ recurrence: Recurrence, _ gx: Tensor, _ u: Tensor, from initial: [Tensor], bias: Tensor?, _ lengths: Tensor?,
    _ cell: (_ gx: Tensor, _ states: [Tensor]) -> Cell
) -> (y: Tensor, states: [Tensor]) {
    let isOwn = lengths?.ownSteps(of: gx.shape[0])
    // Gradients are told apart by nodes.
    var known = Set([gx, u].map { ObjectIdentifier($0.node) })
    let initial = initial.map { known.insert(ObjectIdentifier($0.node)).inserted ? $0 : $0.marked([]) }
    let (states, outputs) = scan(over: [gx] + [isOwn].compactMap { $0 }, from: initial, reversed: recurrence.isReversed) { states, elements in
        let made = cell(elements[0], states)
        let next = elements.count == 1 ? made.states : zip(made.states, states).map { Tensor.select(elements[1], $0, $1) }
        let kept = made.gates.isEmpty ? [] : [Tensor(concatenating: made.gates, alongAxis: 1), made.inner ?? next[1]]
        return (next, [next[0]] + kept)
    }
    let y = isOwn.map { .select($0, outputs[0], 0) } ?? outputs[0]
    let operands = [gx, u] + initial + [bias, lengths].compactMap { $0 }
    let whole = Node.library(
        .recurrence(recurrence), compositions: ([y] + states + outputs.dropFirst()).map(\.node), operands.map(\.node))
    return (
        Tensor(node: .libraryResult(whole, 0)), states.indices.map { Tensor(node: .libraryResult(whole, 1 + $0)) }
    )
}

extension ResultsRule {
    /// Inputs: the compositions, gx, U, the first states, bias, lengths.
    func recurrence(_ recurrence: Recurrence) {
        let (states, results) = (recurrence.cell.stateCount, LibraryOperation.recurrence(recurrence).resultCount)
        if (1 + states..<results).contains(where: { gradients[.value($0)] != nil }) { return throughCompositions(results) }
        let operands = (results..<inputs.count).map(input)
        let (gx, u, initial) = (operands[0], operands[1], Array(operands[2..<2 + states]))
        let lengths = recurrence.hasLengths ? operands[operands.count - 1] : nil
        let bias = recurrence.hasBias ? operands[2 + states] : nil
        let outputs = (0...states).map(result)
        let none = Tensor.zeros(like: initial[0])
        let seeds = outputs.enumerated().map { gradients[.value($0)] ?? ($0 == 0 ? .zeros(like: $1) : none) }
        // The weight and the bias are ends of the paths, too.
        let ends = [gx] + initial + [u] + [bias].compactMap { $0 }
        let compositions = GradientPaths(from: ends, to: (0...states).map(input), areIndependent: true, #fileID, #line).accumulate(seeds)
        let whole = Node.library(
            .recurrenceGradient(recurrence), compositions: zip(compositions, [gx] + initial).map { ($0 ?? .zeros(like: $1)).node },
            ([gx, u] + initial + [bias].compactMap { $0 } + [outputs[0]] + (1 + states..<results).map(result) + seeds
                + [lengths].compactMap { $0 }).map(\.node))
        let dgx = Tensor(node: .libraryResult(whole, 0))
        pass(to: results, dgx)
        for index in 0..<states { pass(to: results + 2 + index, Tensor(node: .libraryResult(whole, 1 + index))) }
        let ofProducts = recurrence.cell == .gru ? dgx.throughReset(result(1 + states)) : dgx
        pass(to: results + 1, ofWeight(ofProducts, previous: previousStates(recurrence, outputs[0], initial[0], lengths)))
        if bias != nil { pass(to: results + 2 + states, ofProducts.sum(alongAxes: [0, 1])) }
    }

    /// U gets Σ g ⊗ h over all steps of all sequences, h the state before: one product.
    private func ofWeight(_ g: Tensor, previous: Tensor) -> Tensor {
        let rows = g.shape[0] * g.shape[1]
        return matmul(g.reshaped(to: [rows, g.shape[2]]).transposed(), previous.reshaped(to: [rows, previous.shape[2]]))
    }

    /// The state before each step [T, N, H], where the step counts.
    private func previousStates(_ recurrence: Recurrence, _ y: Tensor, _ initial: Tensor, _ lengths: Tensor?) -> Tensor {
        let (steps, others) = (y.shape[0], Shape([y.shape[0] - 1] + y.shape.dimensions.dropFirst()))
        let first = initial.expandingDims(at: 0)
        if steps == 1 { return first }
        if !recurrence.isReversed { return Tensor(concatenating: [first, y.block(at: [0, 0, 0], of: others)]) }
        let later = y.block(at: [1, 0, 0], of: others)
        guard let lengths else { return Tensor(concatenating: [later, first]) }
        // The walk begins at the last step of each sequence.
        let counts = lengths.ownSteps(of: steps).block(at: [1, 0, 0], of: [steps - 1, y.shape[1], 1])
        return Tensor(concatenating: [.select(counts, later, first), first])
    }

    /// Differentiates the compositions: for results that are seldom asked.
    private func throughCompositions(_ results: Int) {
        let real = (results..<inputs.count).filter { inputs[$0].dtype.isFloatingPoint }
        let asked = (0..<results).filter { gradients[.value($0)] != nil }
        let found = GradientPaths(from: real.map(input), to: asked.map(input), areIndependent: true, #fileID, #line)
            .accumulate(asked.compactMap { gradients[.value($0)] })
        for (index, gradient) in zip(real, found) { if let gradient { pass(to: index, gradient) } }
    }
}

extension Tensor {
    /// Of what gx of a GRU gets what U h + b gets: n gets its share through r.
    fileprivate func throughReset(_ gates: Tensor) -> Tensor {
        let units = shape[2] / 3
        let part = Shape(shape.dimensions.dropLast() + [units])
        let n = block(at: [0, 0, 2 * units], of: part) * gates.block(at: [0, 0, 0], of: part)
        return Tensor(concatenating: [block(at: [0, 0, 0], of: Shape(shape.dimensions.dropLast() + [2 * units])), n], alongAxis: 2)
    }
}

extension Tensor {
    /// Of lengths [N], which of `count` steps are each sequence's own: bool [count, N, 1].
    func ownSteps(of count: Int) -> Tensor {
        Tensor.range(count, device: device).reshaped(to: [count, 1, 1]) .< expandingDims(at: 1)
    }

    /// Of gates [N, count · H] the one of an index: [N, H].
    fileprivate func gate(_ index: Int, of count: Int) -> Tensor {
        let units = shape[1] / count
        return block(at: [0, index * units], of: [shape[0], units])
    }
}
