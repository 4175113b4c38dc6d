import Soma
import SomaGraph

/// A multilayer perceptron: affine maps with an activation function, and dropout if asked for, between one and the next.
public struct MLP: Layer {
    /// The hidden layers, in order.
    public let hidden: [Linear]
    /// From the last hidden layer, or the inputs where there is none, to the results.
    public let output: Linear
    private let activation: Activation
    private let dropout: Dropout

    /// Traps where there are fewer than two sizes.
    /// - Parameters:
    ///   - sizes: the numbers of inputs, of units in each hidden layer, and of outputs.
    ///   - dropout: the share of each hidden layer's units that is dropped in training.
    public init(_ sizes: [Int], activation: Activation, initialization: Initialization, dropout: Double = 0) {
        guard sizes.count >= 2 else { programError("MLP", "sizes \(sizes), where inputs and outputs are two at least") }
        let layers = zip(sizes, sizes.dropFirst()).map { Linear(from: $0, to: $1, weight: initialization.weight, bias: initialization.bias) }
        hidden = Array(layers.dropLast())
        output = layers[layers.count - 1]
        (self.activation, self.dropout) = (activation, Dropout(rate: dropout))
    }

    /// [N, outputs] of x [N, inputs]; nothing follows the last layer.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        output(hidden.reduce(x) { dropout(activation($1($0))) })
    }
}

/// Activation functions by name.
public enum Activation: String, SettingChoice {
    /// max(x, 0).
    case relu
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// The hyperbolic tangent.
    case tanh
    /// x Φ(x), exactly.
    case gelu
    /// x · sigmoid(x).
    case silu
    /// x where it is positive, else eˣ − 1.
    case elu
    /// The self-normalising `elu`.
    case selu
    /// log(1 + eˣ).
    case softplus
    /// x where it is positive, else x / 100.
    case leakyReLU = "leaky-relu"

    /// The function of each element, of the shape of x.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        switch self {
        case .relu: Soma.relu(x)
        case .sigmoid: Soma.sigmoid(x)
        case .tanh: Soma.tanh(x)
        case .gelu: Soma.gelu(x)
        case .silu: Soma.silu(x)
        case .elu: Soma.elu(x)
        case .selu: Soma.selu(x)
        case .softplus: Soma.softplus(x)
        case .leakyReLU: Soma.leakyReLU(x)
        }
    }
}

/// Ways to draw initial weights, by name.
public enum Initialization: String, SettingChoice {
    /// Normal of variance 2 / inputs, for rectifiers; biases are 0.
    case he
    /// Uniform of variance 2 / (inputs + outputs); biases are 0.
    case glorot
    /// Normal of variance 1 / inputs; biases are 0.
    case lecun
    /// Rows or columns of length 1 at right angles; biases are 0.
    case orthogonal
    /// Weights and biases uniform on ±1/√inputs.
    case uniform
    /// Normal with a standard deviation of 0.01 whatever the size of the layer, as was usual before 2010.
    case small

    var weight: Initializer {
        switch self {
        case .he: .he()
        case .glorot: .glorot()
        case .lecun: .leCun()
        case .orthogonal: .orthogonal()
        case .uniform: .uniformByInputs
        case .small: .normal(standardDeviation: 0.01)
        }
    }

    var bias: Initializer { self == .uniform ? .uniformByInputs : .zeros }
}
