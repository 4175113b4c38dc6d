import SomaGraph

/// Gated recurrent units: at each element x of a sequence
///
///     r = σ(W_r x + b_r + U_r h + d_r)
///     z = σ(W_z x + b_z + U_z h + d_z)
///     n = tanh(W_n x + b_n + r ⊙ (U_n h + d_n))
///     h ← (1 − z) ⊙ n + z ⊙ h
///
/// Its outputs are h. W [3 · H, inputs], U [3 · H, H], b and d [3 · H] have r, z, n one below the other.
///
/// K. Cho et al., *Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation*, EMNLP 2014; there r is
/// multiplied by h, and here by U_n h + d_n, as in cuDNN and PyTorch, whose names the parameters have.
public struct GRU: Module, RecurrentModule, CustomReflectable {
    /// The features of a step.
    public var inputs: Int { stack.settings.inputs }
    /// H, the features of a state.
    public var units: Int { stack.settings.units }
    /// How many layers there are on one another.
    public var layers: Int { stack.settings.layers }
    /// Whether each layer goes in both directions.
    public var isBidirectional: Bool { stack.settings.isBidirectional }
    /// Whether sequences are [N, T, inputs], and not [T, N, inputs].
    public var isBatchFirst: Bool { stack.settings.isBatchFirst }
    private let stack: RecurrentStack

    /// The defaults are PyTorch's, but for the order of axes. All parameters are drawn uniform on ±1/√units. Traps where a number is not positive
    /// or the rate of dropout not in 0 ..< 1.
    /// - Parameters:
    ///   - inputs: the features of a step.
    ///   - units: H, the features of a state.
    ///   - layers: how many there are on one another; each but the first takes the outputs of the one below.
    ///   - isBidirectional: whether each layer also has weights that go from the last element to the first; outputs of both stand side by side.
    ///   - hasBias: whether there are b and d.
    ///   - dropout: the probability that an output between two layers is dropped in training.
    ///   - isBatchFirst: whether sequences are [N, T, inputs], and not [T, N, inputs], which is PyTorch's default.
    public init(
        from inputs: Int, to units: Int, layers: Int = 1, isBidirectional: Bool = false, hasBias: Bool = true,
        dropout: Double = 0, isBatchFirst: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        let settings = RecurrentStack.Settings(
            inputs: inputs, units: units, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias, dropout: dropout,
            isBatchFirst: isBatchFirst)
        stack = RecurrentStack("GRU", gates: 3, settings, device, file, line)
    }

    /// The outputs of the last layer, [N, T, directions · H] or [T, N, directions · H], and the state after the last step of each layer and
    /// direction, [layers · directions, N, H]: the first layer's forward one, its backward one, the second layer's forward one, …
    ///
    /// Traps where a shape does not fit.
    /// - Parameters:
    ///   - x: [N, T, inputs], or [T, N, inputs] unless the batch comes first; T is at least 1.
    ///   - state: before the first step, of the shape of the final one; nil for zeros.
    ///   - lengths: how many steps each sequence has, integers [N] in 1 ... T; nil for T. Steps behind them count for nothing, whatever they hold:
    ///     outputs there are 0, the final state is that at the last element, and the backward direction begins there. A length out of range traps
    ///     where the host has the numbers; where only the device has, the outputs of its sequence are NaN.
    public func callAsFunction(_ x: Tensor, from state: Tensor? = nil, lengths: Tensor? = nil) -> (outputs: Tensor, state: Tensor) {
        named(by: stack.key) {
            let (outputs, states) = stack(x, from: state.map { [$0] }, stateCount: 1, lengths: lengths) { gx, weights, initial, lengths, isReversed in
                let (y, h) = gruRecurrence(
                    gx, weights.recurrent.tensor, bias: weights.recurrentBias?.tensor, from: initial[0], lengths: lengths, isReversed: isReversed)
                return (y, [h])
            }
            return (tapped(outputs), states[0])
        }
    }

    /// Names as PyTorch's state_dict has them: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l0_reverse`, ….
    public var customMirror: Mirror { Mirror(self, children: stack.children) }
}
