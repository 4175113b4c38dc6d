import SomaGraph

/// A simple recurrent network: h ← φ(W x + b + U h + d) at each element x of a sequence, with W [H, inputs], U [H, H], b and d [H]. Its outputs
/// are h.
///
/// J. L. Elman, *Finding Structure in Time*, Cognitive Science 14, 1990. `RNN` in PyTorch, with its names of parameters.
public struct SimpleRNN: Module, RecurrentModule, CustomReflectable {
    /// φ.
    public enum Activation: Sendable {
        /// The hyperbolic tangent.
        case tanh
        /// max(x, 0).
        case relu
    }

    /// φ.
    public let activation: Activation
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
    ///   - activation: φ.
    ///   - isBidirectional: whether each layer also has weights that go from the last element to the first; outputs of both stand side by side.
    ///   - hasBias: whether there are b and d.
    ///   - dropout: the probability that an output between two layers is dropped in training.
    ///   - isBatchFirst: whether sequences are [N, T, inputs], and not [T, N, inputs], which is PyTorch's default.
    public init(
        from inputs: Int, to units: Int, layers: Int = 1, activation: Activation = .tanh, isBidirectional: Bool = false, hasBias: Bool = true,
        dropout: Double = 0, isBatchFirst: Bool = true, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        let settings = RecurrentStack.Settings(
            inputs: inputs, units: units, layers: layers, isBidirectional: isBidirectional, hasBias: hasBias, dropout: dropout,
            isBatchFirst: isBatchFirst)
        stack = RecurrentStack("SimpleRNN", gates: 1, settings, device, file, line)
        self.activation = activation
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
                let (y, h) = simpleRecurrence(
                    weights.recurrentBias.map { gx + $0.tensor } ?? gx, weights.recurrent.tensor, from: initial[0], lengths: lengths,
                    isReversed: isReversed, activation)
                return (y, [h])
            }
            return (tapped(outputs), states[0])
        }
    }

    /// Names as PyTorch's state_dict has them: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `weight_ih_l0_reverse`, ….
    public var customMirror: Mirror { Mirror(self, children: stack.children) }
}
