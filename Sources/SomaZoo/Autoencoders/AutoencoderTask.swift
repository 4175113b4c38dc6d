import Soma

/// What an autoencoder is measured by: the mean over samples and pixels of the pixels (field `image`) less their reconstructions, squared.
struct ReconstructionError: Measured {
    static let name = "reconstruction_error"
    /// [N, pixels] → [N, pixels].
    let reconstruct: @Sendable (Tensor) -> Tensor
    let criterion: Criterion? = .lowest(name)

    func metrics(_ batch: Minibatch) -> [Metric] {
        let pixels = batch["image"]
        return [.mean(Self.name, sum: square(pixels - reconstruct(pixels)).mean(alongAxes: 1).sum(), title: "reconstruction error")]
    }
}

/// Trains an autoencoder to rebuild pixels, a part of which it may not see.
///
/// P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol, *Extracting and Composing Robust Features with Denoising Autoencoders*, ICML 2008.
struct AutoencoderTask: TrainingTask {
    static let previewName = "reconstructions"

    private let network: Autoencoder
    private let player: Player
    private let scores: ReconstructionError
    private let damage: Double
    /// Pixels [n, pixels] whose reconstructions are shown.
    private let shown: Tensor

    /// - Parameter damage: the share of the pixels that is set to 0 in training, anew for each picture.
    /// - Throws: `BackendError`.
    init(_ network: Autoencoder, damage: Double, rate: Double, shown: Tensor) throws {
        (self.network, self.damage, self.shown) = (network, damage, shown)
        player = Player("autoencoder", try Optimizer(Adam(), for: network, learningRate: .constant(rate)))
        scores = ReconstructionError { network($0) }
    }

    var module: any Module { network }
    var players: [Player] { [player] }
    var criterion: Criterion? { scores.criterion }
    func metrics(_ batch: Minibatch) -> [Metric] { scores.metrics(batch) }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let pixels = batch["image"]
        var seen = pixels
        if damage > 0 { seen = pixels * (Tensor.randomUniform(pixels.shape, device: pixels.device) .>= damage).as(.float32) }
        try context.minimize(square(pixels - network(seen)).mean(), by: player)
    }

    func preview() throws -> [Preview] {
        let rebuilt = withInference { network(shown) }
        return [Preview(Self.previewName, .picture(try PixelSheet.comparing(shown, rebuilt)))]
    }
}
