import SomaGraph

/// The feed-forward layer with a gate: y = D (silu(G x) ⊙ U x).
///
/// N. Shazeer, *GLU Variants Improve Transformer*, 2020. Names of parameters are those of Llama in `transformers`: `gate_proj`, `up_proj`,
/// `down_proj`.
public struct SwiGLU: Layer, CustomReflectable {
    /// G and U, [hidden, width] each.
    public let gate, up: Linear
    /// D, [width, hidden].
    public let down: Linear

    /// Traps where a number is not positive.
    /// - Parameters:
    ///   - width: the features of x and of y.
    ///   - hidden: those between.
    ///   - hasBias: whether the maps add biases, which are 0 at first.
    ///   - weight: how all weights are drawn.
    public init(
        width: Int, hidden: Int, hasBias: Bool = false, weight: Initializer = .uniformByInputs, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        func map(_ inputs: Int, _ outputs: Int) -> Linear {
            Linear(from: inputs, to: outputs, hasBias: hasBias, weight: weight, bias: .zeros, device: device, file: file, line: line)
        }
        (gate, up, down) = (map(width, hidden), map(width, hidden), map(hidden, width))
    }

    /// y as above, of the shape of x [..., width].
    public func callAsFunction(_ x: Tensor) -> Tensor { tapped(down(silu(gate(x)) * up(x))) }

    /// Names as Llama has them in `transformers`: `gate_proj.weight`, `up_proj.weight`, `down_proj.weight`.
    public var customMirror: Mirror { Mirror(self, children: ["gate_proj": gate, "up_proj": up, "down_proj": down]) }
}
