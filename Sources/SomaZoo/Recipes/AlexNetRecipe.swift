import Soma

/// AlexNet on folders of pictures.
public struct AlexNetRecipe: Recipe, ImageRecipe {
    static let variant = Setting("variant", AlexNet.Variant.year2012, "the paper's network, or that of 2014 without normalisation")
    static let dropout = Setting("dropout", 0.5, "share of units dropped in training before the fully connected layers", in: 0...0.95)
    static let images = ImageSettings(side: 224, from: AlexNet.smallest, [.crop, .flip])
    static let training = TrainingSettings(batch: 128, rule: .momentum, rate: 0.01, warmup: 100, decay: 5e-4, smoothing: 0)
    static let own: [any AnySetting] = [variant, dropout]

    public let name = "alexnet"
    public let summary = "AlexNet, the network that won ImageNet in 2012, learns from folders of pictures"
    public let discussion = """
        Five convolutions and three layers with rectifiers, local response normalisation, overlapping pooling and dropout \
        (A. Krizhevsky, I. Sutskever and G. Hinton, 2012). Pictures below image-size=64 get a smaller network, with \
        filters of 5×5 first.

        Training pictures are cropped at random and mirrored (augment=crop,flip); pictures of which left and right matter, \
        as digits, want augment=shift:

          soma data export mnist pictures --limit 4000
          soma train alexnet --data pictures --image-size 28 channels=1 \\
            augment=shift batch=32 --epochs 10
        """
    public let defaultEpochs = 90

    /// Settings and data come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, side: Int, channels: Int, classes: Int) -> AlexNet {
        AlexNet(
            side: side, channels: channels, classes: classes, variant: settings[variant], dropout: settings[dropout],
            recomputation: settings[images.checkpoint])
    }
}
