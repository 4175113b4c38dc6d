import Soma

/// Two convolutions of 3×3 with batch normalisation, and the input added to what they make of it.
public struct ResidualBlock: Layer {
    /// Convolutions of 3×3; the first has the stride of the block.
    public let conv1, conv2: Convolution
    /// Each follows the convolution of its number.
    public let bn1, bn2: BatchNorm
    /// Brings the input to the shape of the result, where that differs: a convolution of 1×1, and batch normalisation.
    public let downsample: Sequential?

    /// Weights are drawn by He's rule.
    /// - Parameters:
    ///   - inputs: channels of x.
    ///   - outputs: channels of the result.
    ///   - stride: by how much rows and columns become fewer.
    public init(from inputs: Int, to outputs: Int, stride: Int = 1) {
        conv1 = Convolution(from: inputs, to: outputs, size: [3, 3], stride: [stride], padding: .all(1), hasBias: false, weight: .he())
        conv2 = Convolution(from: outputs, to: outputs, size: [3, 3], padding: .all(1), hasBias: false, weight: .he())
        (bn1, bn2) = (BatchNorm(outputs), BatchNorm(outputs))
        downsample = stride == 1 && inputs == outputs ? nil : Sequential(
            Convolution(from: inputs, to: outputs, size: [1, 1], stride: [stride], hasBias: false, weight: .he()), BatchNorm(outputs))
    }

    /// relu(F(x) + x): [N, outputs, rows / stride, columns / stride] of x [N, inputs, rows, columns], rounded up.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        relu(bn2(conv2(relu(bn1(conv1(x))))) + (downsample?(x) ?? x))
    }
}

/// A residual network of basic blocks, with the parameter names of torchvision's.
///
/// K. He, X. Zhang, S. Ren, J. Sun, *Deep Residual Learning for Image Recognition*, CVPR 2016.
public struct ResNet: Layer {
    /// The first convolution: 3×3 with stride 1, or 7×7 with stride 2 and a pooling behind it.
    public let conv1: Convolution
    /// Follows the first convolution.
    public let bn1: BatchNorm
    /// Stages of blocks; the first block of the second and the third halves the maps.
    public let layer1, layer2, layer3: Sequential
    /// The fourth stage, which small networks do not have.
    public let layer4: Sequential?
    /// From the means of the last maps to the logits.
    public let fc: Linear
    private let poolsFirst: Bool
    private let recomputation: Recomputation

    /// The network of the paper's experiments on small images: three stages of 16, 32 and 64 channels, 6 · `blocks` + 2 layers; 20 for 3 blocks.
    public static func small(blocks: Int = 3, channels: Int = 3, classes: Int = 10, recomputation: Recomputation = .none) -> ResNet {
        ResNet(widths: [16, 32, 64], blocks: [blocks, blocks, blocks], first: (3, 1), channels, classes, recomputation)
    }

    /// ResNet-18, for images of about 224×224.
    public static func resNet18(channels: Int = 3, classes: Int = 1000, recomputation: Recomputation = .none) -> ResNet {
        ResNet(widths: [64, 128, 256, 512], blocks: [2, 2, 2, 2], first: (7, 2), channels, classes, recomputation)
    }

    private init(
        widths: [Int], blocks: [Int], first: (size: Int, stride: Int), _ channels: Int, _ classes: Int, _ recomputation: Recomputation
    ) {
        conv1 = Convolution(
            from: channels, to: widths[0], size: [first.size, first.size], stride: [first.stride], padding: .all(first.size / 2), hasBias: false,
            weight: .he())
        bn1 = BatchNorm(widths[0])
        let stages = widths.indices.map { stage in
            Sequential((0..<blocks[stage]).map { block in
                let inputs = block == 0 && stage > 0 ? widths[stage - 1] : widths[stage]
                return ResidualBlock(from: inputs, to: widths[stage], stride: block == 0 && stage > 0 ? 2 : 1)
            })
        }
        (layer1, layer2, layer3) = (stages[0], stages[1], stages[2])
        layer4 = stages.count > 3 ? stages[3] : nil
        fc = Linear(from: widths[widths.count - 1], to: classes)
        (poolsFirst, self.recomputation) = (first.stride > 1, recomputation)
    }

    /// The logits [N, classes] of images [N, channels, rows, columns].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        var maps = relu(bn1(conv1(x)))
        if poolsFirst { maps = maps.maxPooled(PoolingWindow(size: [3], stride: [2], padding: [1])) }
        let blocks = [layer1, layer2, layer3, layer4].compactMap { $0?.layers }.joined()
        maps = blocks.reduce(maps) { recomputation($1, $0) }
        return fc(maps.mean(alongAxes: 2, 3))
    }
}
