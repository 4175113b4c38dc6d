import Glibc
import Soma

/// The bound of a variational autoencoder on pictures (field `image`), with one sample for each by the random numbers of the field `noise`.
struct VariationalBound: Measured {
    let network: VariationalAutoencoder
    let pixels: Int
    let criterion: Criterion? = .highest("elbo")

    func metrics(_ batch: Minibatch) -> [Metric] {
        let (reconstruction, divergence) = network.losses(batch["image"], noise: batch["noise"])
        let pixels = Double(pixels)
        return [
            Metric(sums: [reconstruction.sum(), divergence.sum()]) { totals in
                let (reconstruction, divergence) = (totals.sums[0][0] / Double(totals.sampleCount), totals.sums[1][0] / Double(totals.sampleCount))
                let loss = reconstruction + divergence
                return Report([
                    Figure("elbo", -loss, better: .higher, title: "bound (nats)"),
                    Figure("bits_per_dimension", loss / (pixels * log(2)), better: .lower, title: "bits per dimension"),
                    Figure("reconstruction", reconstruction, better: .lower, title: "reconstruction (nats)"),
                    Figure("kl", divergence, better: nil, title: "KL (nats)"),
                ])
            }
        ]
    }
}

/// Trains a variational autoencoder on pixels from 0 to 1 in the field `image`.
struct VariationalTask: TrainingTask {
    static let previewName = "samples"
    private static let previewSide = 8

    private let network: VariationalAutoencoder
    private let player: Player
    private let bound: VariationalBound
    private let beta: Double
    private let samples: NoiseSource

    /// - Parameters:
    ///   - beta: how much the divergence weighs in what is minimised (I. Higgins and others, *β-VAE*, ICLR 2017); with 1 that is minus the bound.
    ///   - samples: the random numbers that the pictures of every epoch are made of.
    /// - Throws: `BackendError`.
    init(_ network: VariationalAutoencoder, pixels: Int, beta: Double, rate: Double, samples: NoiseSource) throws {
        (self.network, self.beta, self.samples) = (network, beta, samples)
        bound = VariationalBound(network: network, pixels: pixels)
        player = Player("model", try Optimizer(Adam(), for: network, learningRate: .constant(rate)))
    }

    var module: any Module { network }
    var players: [Player] { [player] }
    var lossNames: [String] { ["loss", "reconstruction_loss", "kl_loss"] }
    var criterion: Criterion? { bound.criterion }
    func metrics(_ batch: Minibatch) -> [Metric] { bound.metrics(batch) }

    func step(_ batch: Minibatch, _ context: StepContext) throws {
        let (reconstruction, divergence) = network.losses(batch["image"], noise: .randomNormal([batch.count, samples.count]))
        let (seen, cost) = (reconstruction.mean(), divergence.mean())
        context.tell("reconstruction_loss", seen)
        context.tell("kl_loss", cost)
        try context.minimize(seen + cost * beta, by: player, as: "loss")
    }

    func preview() throws -> [Preview] {
        let count = Self.previewSide * Self.previewSide
        let noise = Tensor((0..<count).flatMap(samples.values), shape: [count, samples.count])
        let pictures = withInference { sigmoid(network.decoder(noise)) }
        return [Preview(Self.previewName, .picture(try PixelSheet.samples(pictures)))]
    }
}
