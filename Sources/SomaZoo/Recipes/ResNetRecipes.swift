import Soma

/// ResNet-20 on folders of small pictures, or the embedded digits scaled up.
public struct ResNet20Recipe: Recipe, ImageRecipe {
    static let images = ImageSettings(side: 32, from: 8, [.shift])
    static let training = TrainingSettings(batch: 64, rule: .momentum, rate: 0.1, warmup: 50, decay: 1e-4, smoothing: 0)
    static let own: [any AnySetting] = []
    static let hasEmbeddedData = true

    public let name = "resnet20"
    public let summary = "ResNet-20, a residual network for small pictures"
    public let discussion = """
        Nine blocks of two convolutions that each add to what they were given (K. He, X. Zhang, S. Ren and J. Sun, 2015), \
        with batch normalisation: depth that trains. Without --data it reads the embedded digits scaled up to image-size. \
        Training pictures are moved at random by up to an eighth of their side; photographs want augment=shift,flip.
        """
    public let defaultEpochs = 20

    /// Settings and data come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, side: Int, channels: Int, classes: Int) -> ResNet {
        .small(channels: channels, classes: classes, recomputation: settings[images.checkpoint])
    }
}

/// ResNet-18 on folders of pictures.
public struct ResNet18Recipe: Recipe, ImageRecipe {
    static let images = ImageSettings(side: 224, from: 32, [.crop, .flip])
    static let training = TrainingSettings(batch: 64, rule: .momentum, rate: 0.05, warmup: 200, decay: 1e-4, smoothing: 0)
    static let own: [any AnySetting] = []

    public let name = "resnet18"
    public let summary = "ResNet-18, a residual network for pictures of about 224×224"
    public let discussion = """
        Eight blocks of two convolutions with batch normalisation, each of which adds to what it was given (K. He, X. Zhang, \
        S. Ren and J. Sun, 2015). Training pictures are cropped at random and mirrored. What does not fit into memory does \
        with checkpoint=blocks, or with batch=16 accumulate=4.
        """
    public let defaultEpochs = 90

    /// Settings and data come with the context of each run.
    public init() {}

    static func network(_ settings: Settings, side: Int, channels: Int, classes: Int) -> ResNet {
        .resNet18(channels: channels, classes: classes, recomputation: settings[images.checkpoint])
    }
}
