import Soma

/// VGG-11 on folders of pictures.
public struct VGG11Recipe: Recipe, ImageRecipe {
    static let normalizes = Setting("norm", true, "whether convolutions are followed by batch normalisation")
    static let dropout = Setting("dropout", 0.5, "share of units dropped in training between the fully connected layers", in: 0...0.95)
    static let images = ImageSettings(side: 224, from: VGG.smallest, [.crop, .flip])
    static let training = TrainingSettings(batch: 64, rule: .momentum, rate: 0.01, warmup: 100, decay: 5e-4, smoothing: 0)
    static let own: [any AnySetting] = [normalizes, dropout]

    public let name = "vgg11"
    public let summary = "VGG with eleven layers, all filters of 3×3, learns from folders of pictures"
    public let discussion = """
        Eight convolutions of 3×3 and three layers (K. Simonyan and A. Zisserman, 2014): two small filters in a row see as \
        much as a large one, with fewer weights and one rectifier more. In 2014 deeper ones had to be begun from this one; \
        with batch normalisation (norm=yes) that is over. Training pictures are cropped at random and mirrored.
        """
    public let defaultEpochs = 74

    /// Settings and data come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, side: Int, channels: Int, classes: Int) -> VGG {
        .vgg11(
            side: side, channels: channels, classes: classes, normalizes: settings[normalizes], dropout: settings[dropout],
            recomputation: settings[images.checkpoint])
    }
}
