import Soma
import SomaGraph

/// Five convolutions and three fully connected layers with rectifiers, overlapping pooling and dropout, with the parameter names of
/// torchvision's.
///
/// A. Krizhevsky, I. Sutskever, G. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NIPS 2012.
public struct AlexNet: Layer {
    /// Which of the published networks.
    public enum Variant: String, SettingChoice {
        /// As in the paper: convolutions in two groups, which were on two GPUs, and local response normalisation.
        case year2012 = "2012"
        /// With fewer filters and neither of these, as torchvision has it (A. Krizhevsky, *One Weird Trick for Parallelizing
        /// Convolutional Neural Networks*, 2014).
        case year2014 = "2014"
    }

    /// The convolutions: from images [N, channels, side, side] to maps [N, K, s, s].
    public let features: Sequential
    /// The fully connected layers: from flattened maps to logits [N, classes].
    public let classifier: Sequential
    private let recomputation: Recomputation

    /// Below this side images get filters of 5×5 that look at every place, and fewer of them, in place of 11×11 with stride 4.
    public static let smallestLarge = 64
    /// The smallest side of an image of which three poolings leave something.
    public static let smallest = 15

    /// For images [N, channels, side, side].
    public init(
        side: Int = 224, channels: Int = 3, classes: Int = 1000, variant: Variant = .year2012, dropout: Double = 0.5,
        recomputation: Recomputation = .none
    ) {
        guard side >= Self.smallest else {
            programError("AlexNet", "images of \(side)×\(side), where \(Self.smallest)×\(Self.smallest) are the smallest")
        }
        let isSmall = side < Self.smallestLarge
        let plan = isSmall ? Plan.small(variant) : Plan.large(variant)
        features = plan.features(channels: channels)
        let places = plan.side(after: side)
        let (inputs, hidden) = (plan.widths[4] * places * places, isSmall ? 512 : 4096)
        classifier = Sequential(
            Dropout(rate: dropout), Linear(from: inputs, to: hidden, weight: .he(), bias: .zeros), ReLU(),
            Dropout(rate: dropout), Linear(from: hidden, to: hidden, weight: .he(), bias: .zeros), ReLU(),
            Linear(from: hidden, to: classes, bias: .zeros))
        self.recomputation = recomputation
    }

    /// The logits [N, classes].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        classifier(features.runInBlocks(x, recomputation).flattened(fromAxis: 1))
    }
}

/// The convolutions of an AlexNet.
private struct Plan {
    let widths: [Int]
    let groups: [Int]
    /// Size, stride and padding of the first.
    let first: (size: Int, stride: Int, padding: Int)
    let normalizes: Bool

    static func large(_ variant: AlexNet.Variant) -> Plan {
        variant == .year2012
            ? Plan(widths: [96, 256, 384, 384, 256], groups: [1, 2, 1, 2, 2], first: (11, 4, 2), normalizes: true)
            : Plan(widths: [64, 192, 384, 256, 256], groups: [1, 1, 1, 1, 1], first: (11, 4, 2), normalizes: false)
    }

    static func small(_ variant: AlexNet.Variant) -> Plan {
        Plan(widths: [32, 96, 192, 128, 128], groups: [1, 1, 1, 1, 1], first: (5, 1, 2), normalizes: variant == .year2012)
    }

    /// Layers numbered as torchvision's; normalisation stands beside its rectifier.
    func features(channels: Int) -> Sequential {
        func convolution(_ number: Int, _ size: Int, stride: Int = 1, padding: Int) -> Convolution {
            Convolution(
                from: number == 0 ? channels : widths[number - 1], to: widths[number], size: [size, size], stride: [stride],
                padding: .all(padding), groups: groups[number], weight: .he(), bias: .zeros)
        }
        // The paper's α is for the sum of squares, the layer's for their mean.
        let normalized: any Layer = normalizes ? Sequential(ReLU(), LocalResponseNorm(size: 5, alpha: 5e-4, k: 2)) : ReLU()
        let pooling = MaxPooling(PoolingWindow(size: [3], stride: [2]))
        return Sequential(
            convolution(0, first.size, stride: first.stride, padding: first.padding), normalized, pooling,
            convolution(1, 5, padding: 2), normalized, pooling,
            convolution(2, 3, padding: 1), ReLU(), convolution(3, 3, padding: 1), ReLU(), convolution(4, 3, padding: 1), ReLU(), pooling)
    }

    /// The side of the last maps: 6 of 224, as torchvision's average pooling would have it too.
    func side(after side: Int) -> Int {
        let maps = (side + 2 * first.padding - first.size) / first.stride + 1
        return (0..<3).reduce(maps) { maps, _ in (maps - 3) / 2 + 1 }
    }
}
