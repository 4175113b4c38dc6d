import SomaGraph

// Initialisers whose spread follows from the fan, so that signals keep their size from layer to layer.

extension Initializer {
    /// What weights are drawn from.
    public enum Distribution: Sendable {
        /// Uniform on ±√(3 · variance).
        case uniform
        /// Normal with mean 0.
        case normal
    }

    /// Variance 1 / inputs: keeps the size of signals with activations that are linear near 0, and with `selu`.
    ///
    /// Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp*, 1998.
    public static func leCun(_ distribution: Distribution = .normal) -> Initializer {
        scaled(distribution) { 1 / Double($0.inputs) }
    }

    /// Variance 2 / (inputs + outputs): a compromise between signals and gradients, for `tanh` and `sigmoid`.
    ///
    /// X. Glorot, Y. Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, AISTATS 2010.
    public static func glorot(_ distribution: Distribution = .uniform) -> Initializer {
        scaled(distribution) { 2 / Double($0.inputs + $0.outputs) }
    }

    /// Variance 2 / ((1 + slope²) inputs): makes up for the half that a rectifier takes away.
    ///
    /// K. He, X. Zhang, S. Ren, J. Sun, *Delving Deep into Rectifiers*, ICCV 2015.
    /// - Parameter slope: that of the rectifier's negative side.
    public static func he(_ distribution: Distribution = .normal, slope: Double = 0) -> Initializer {
        scaled(distribution) { 2 / ((1 + slope * slope) * Double($0.inputs)) }
    }

    /// Uniform on ±1/√inputs, a third of the variance of LeCun's: what PyTorch gives a linear layer and its bias.
    public static let uniformByInputs = scaled(.uniform) { 1 / (3 * Double($0.inputs)) }

    private static func scaled(
        _ distribution: Distribution, variance: @escaping @Sendable (Fan) -> Double
    ) -> Initializer {
        Initializer { elements, _, fan, generator in
            var sequence = generator.hostSequence()
            let variance = variance(fan)
            switch distribution {
            case .normal: sequence.fillNormal(elements, deviation: Float(variance.squareRoot()))
            case .uniform:
                let bound = Float((3 * variance).squareRoot())
                sequence.fillUniform(elements, from: -bound, to: bound)
            }
        }
    }
}
