import SomaGraph

// One pass over sequences in one direction for each family of recurrent cells: what a device may have a kernel for.
//
// gx [T, N, gates · H] is what the input adds to the gates of each step, u [gates · H, H] the recurrent weight, an initial state [N, H]. lengths
// (int32 [N], 1 ... T) tell how many of the T steps are a sequence's own: at the others its state stays and y is 0. y is [T, N, H].

/// h ← φ(gx + U h). J. L. Elman, *Finding Structure in Time*, Cognitive Science 14, 1990.
func simpleRecurrence(
    _ gx: Tensor, _ u: Tensor, from h: Tensor, lengths: Tensor?, isReversed: Bool, _ activation: SimpleRNN.Activation
) -> (y: Tensor, h: Tensor) {
    let transposed = u.transposed()
    let (y, states) = recurrence(gx, from: [h], lengths, isReversed) { gx, states in
        let sum = gx + matmul(states[0], transposed)
        return [activation == .tanh ? tanh(sum) : relu(sum)]
    }
    return (y, states[0])
}

/// With the gates i, f, g, o of gx + U h: c ← σ(f) ⊙ c + σ(i) ⊙ tanh g, h ← σ(o) ⊙ tanh c.
///
/// S. Hochreiter, J. Schmidhuber, *Long Short-Term Memory*, Neural Computation 9, 1997; the forget gate is of F. A. Gers, J. Schmidhuber,
/// F. Cummins, *Learning to Forget*, Neural Computation 12, 2000.
func lstmRecurrence(
    _ gx: Tensor, _ u: Tensor, from state: LSTMState, lengths: Tensor?, isReversed: Bool
) -> (y: Tensor, state: LSTMState) {
    let transposed = u.transposed()
    let (y, states) = recurrence(gx, from: [state.h, state.c], lengths, isReversed) { gx, states in
        let gates = gx + matmul(states[0], transposed)
        let c = sigmoid(gates.gate(1, of: 4)) * states[1] + sigmoid(gates.gate(0, of: 4)) * tanh(gates.gate(2, of: 4))
        return [sigmoid(gates.gate(3, of: 4)) * tanh(c), c]
    }
    return (y, LSTMState(h: states[0], c: states[1]))
}

/// With the gates r, z, n of gx and of U h + b: r and z are σ of their sums, n = tanh(gx + r ⊙ (U h + b)), and h ← (1 − z) ⊙ n + z ⊙ h.
///
/// K. Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation*, EMNLP 2014, where r is
/// multiplied by h instead; this form is that of cuDNN and PyTorch.
/// - Parameter bias: b [3 · H].
func gruRecurrence(
    _ gx: Tensor, _ u: Tensor, bias: Tensor?, from h: Tensor, lengths: Tensor?, isReversed: Bool
) -> (y: Tensor, h: Tensor) {
    let transposed = u.transposed()
    let (y, states) = recurrence(gx, from: [h], lengths, isReversed) { gx, states in
        let product = matmul(states[0], transposed)
        let recurrent = bias.map { product + $0 } ?? product
        let r = sigmoid(gx.gate(0, of: 3) + recurrent.gate(0, of: 3))
        let z = sigmoid(gx.gate(1, of: 3) + recurrent.gate(1, of: 3))
        let n = tanh(gx.gate(2, of: 3) + r * recurrent.gate(2, of: 3))
        return [n + z * (states[0] - n)]
    }
    return (y, states[0])
}

/// The first state of each step, stacked, and the states after the last.
private func recurrence(
    _ gx: Tensor, from initial: [Tensor], _ lengths: Tensor?, _ isReversed: Bool, _ cell: (_ gx: Tensor, _ states: [Tensor]) -> [Tensor]
) -> (y: Tensor, states: [Tensor]) {
    guard let lengths else {
        let (states, outputs) = scan(over: [gx], from: initial, reversed: isReversed) { states, elements in
            let next = cell(elements[0], states)
            return (next, [next[0]])
        }
        return (outputs[0], states)
    }
    let isOwn = lengths.ownSteps(of: gx.shape[0])
    let (states, outputs) = scan(over: [gx, isOwn], from: initial, reversed: isReversed) { states, elements in
        let next = zip(cell(elements[0], states), states).map { Tensor.select(elements[1], $0, $1) }
        return (next, [next[0]])
    }
    return (.select(isOwn, outputs[0], 0), states)
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
