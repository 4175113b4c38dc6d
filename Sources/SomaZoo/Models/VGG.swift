import Soma
import SomaGraph

/// Convolutions of 3×3 only, doubled in number whenever the maps are halved, with the parameter names of torchvision's.
///
/// K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015.
public struct VGG: Layer {
    /// The convolutions: from images [N, channels, side, side] to maps [N, 512, side / 32, side / 32].
    public let features: Sequential
    /// The fully connected layers: from flattened maps to logits [N, classes].
    public let classifier: Sequential
    private let recomputation: Recomputation

    /// The smallest side of an image of which five halvings leave something.
    public static let smallest = 32

    /// Configuration A of the paper, eleven layers, for images [N, channels, side, side].
    /// - Parameters:
    ///   - side: at most 127 for a network with 512 units in each of its fully connected layers, and not 4,096.
    ///   - normalizes: whether each convolution is followed by batch normalisation, which came a year later.
    public static func vgg11(
        side: Int = 224, channels: Int = 3, classes: Int = 1000, normalizes: Bool = true, dropout: Double = 0.5,
        recomputation: Recomputation = .none
    ) -> VGG {
        VGG([[64], [128], [256, 256], [512, 512], [512, 512]], side, channels, classes, normalizes, dropout, recomputation)
    }

    private init(
        _ stages: [[Int]], _ side: Int, _ channels: Int, _ classes: Int, _ normalizes: Bool, _ dropout: Double, _ recomputation: Recomputation
    ) {
        guard side >= Self.smallest else {
            programError("VGG", "images of \(side)×\(side), where \(Self.smallest)×\(Self.smallest) are the smallest")
        }
        var layers: [any Layer] = []
        var inputs = channels
        for stage in stages {
            for width in stage {
                layers.append(Convolution(from: inputs, to: width, size: [3, 3], padding: .all(1), weight: .he(), bias: .zeros))
                layers += normalizes ? [BatchNorm(width), ReLU()] : [ReLU()]
                inputs = width
            }
            layers.append(MaxPooling(PoolingWindow(size: [2])))
        }
        features = Sequential(layers)
        let places = side / 32
        let hidden = side < 128 ? 512 : 4096
        classifier = Sequential(
            Linear(from: inputs * places * places, to: hidden, weight: .he(), bias: .zeros), ReLU(), Dropout(rate: dropout),
            Linear(from: hidden, to: hidden, weight: .he(), bias: .zeros), ReLU(), Dropout(rate: dropout),
            Linear(from: hidden, to: classes, bias: .zeros))
        self.recomputation = recomputation
    }

    /// The logits [N, classes].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        classifier(features.runInBlocks(x, recomputation).flattened(fromAxis: 1))
    }
}
