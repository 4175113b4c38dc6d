import SomaGraph

/// An affine map of the last axis: y = x Wᵀ + b, with x [..., inputs], W [outputs, inputs], b [outputs] and y [...,
/// outputs].
public struct Linear: Layer, CustomReflectable {
    /// W: [outputs, inputs].
    public let weight: Parameter
    /// b: [outputs].
    public let bias: Parameter?
    /// What is added to W without being part of it, if anything is.
    let addition = LowRankSlot()

    /// W is [outputs, inputs], b [outputs]. Traps where a number is not positive.
    /// - Parameters:
    ///   - hasBias: whether b is added.
    ///   - weight: how W is drawn; by default uniform on ±1/√inputs, as PyTorch has it.
    ///   - bias: how b is drawn.
    public init(
        from inputs: Int, to outputs: Int, hasBias: Bool = true, weight: Initializer = .uniformByInputs,
        bias: Initializer = .uniformByInputs,
        device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard inputs > 0, outputs > 0 else {
            programError("Linear", "from \(inputs) to \(outputs) features", file: file, line: line)
        }
        let fan = Fan(inputs: inputs, outputs: outputs)
        self.weight = Parameter(weight(shape: [outputs, inputs], fan: fan, device: device))
        self.bias = hasBias ? Parameter(bias(shape: [outputs], fan: fan, device: device)) : nil
    }

    /// x Wᵀ + b: [..., inputs] → [..., outputs].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        named(by: weight) {
            guard x.rank > 0, x.shape[x.rank - 1] == weight.shape[1] else {
                programError("Linear", "an input of \(x.shape) is not […, \(weight.shape[1])]")
            }
            let product = matmul(x, weight.tensor.transposed())
            let sum = bias.map { product + $0.tensor } ?? product
            return tapped(addition.content.map { sum + $0(x) } ?? sum)
        }
    }

    /// `weight`, `bias`. What is added to W is trained and saved by itself.
    public var customMirror: Mirror { Mirror(self, children: ["weight": weight, "bias": bias as Any], displayStyle: .struct) }
}
