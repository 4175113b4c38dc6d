import Soma

/// LeNet-5: two convolutions with pooling, three fully connected layers.
///
/// Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-Based Learning Applied to Document Recognition*, Proceedings of the IEEE, 1998. The paper
/// joins the second convolution's filters to chosen channels only and ends in radial basis functions; as everybody has done
/// since, here every filter sees all channels and the last layer is a linear one.
public struct LeNet: Layer {
    /// 6 and 16 filters of 5×5; maps of 28×28 and, after pooling, 10×10.
    public let conv1, conv2: Convolution
    /// From 400 features to 120, 84 and the logits.
    public let fc1, fc2, fc3: Linear
    private let activation: Activation
    private let pooling: LeNetPooling

    /// For images [N, channels, 28, 28].
    /// - Parameters:
    ///   - activation, pooling: `tanh` and `average` in 1998, `relu` and `max` today.
    public init(
        channels: Int = 1, classes: Int = 10, activation: Activation = .relu, pooling: LeNetPooling = .max, initialization: Initialization = .uniform
    ) {
        let (weight, bias) = (initialization.weight, initialization.bias)
        conv1 = Convolution(from: channels, to: 6, size: [5, 5], padding: .all(2), weight: weight, bias: bias)
        conv2 = Convolution(from: 6, to: 16, size: [5, 5], weight: weight, bias: bias)
        fc1 = Linear(from: 400, to: 120, weight: weight, bias: bias)
        fc2 = Linear(from: 120, to: 84, weight: weight, bias: bias)
        fc3 = Linear(from: 84, to: classes, weight: weight, bias: bias)
        (self.activation, self.pooling) = (activation, pooling)
    }

    /// The logits [N, classes].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let maps = pooling(activation(conv2(pooling(activation(conv1(x))))))
        return fc3(activation(fc2(activation(fc1(maps.flattened(fromAxis: 1))))))
    }
}

/// How LeNet halves its maps.
public enum LeNetPooling: String, SettingChoice {
    /// The greatest of 2×2 elements.
    case max
    /// The mean of 2×2 elements.
    case average

    func callAsFunction(_ x: Tensor) -> Tensor {
        let window = PoolingWindow(size: [2, 2])
        return self == .max ? x.maxPooled(window) : x.averagePooled(window)
    }
}
