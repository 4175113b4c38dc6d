import Soma

struct Autoencoder: Layer {
    let encoder = Sequential(Flatten(), Linear(from: 64, to: 48), ReLU(), Linear(from: 48, to: 8))
    let decoder = Sequential(
        Linear(from: 8, to: 48), ReLU(), Linear(from: 48, to: 64), Sigmoid(), Unflatten(to: [1, 8, 8]))

    func callAsFunction(_ x: Tensor) -> Tensor { decoder(encoder(x)) }
}

struct Reconstruction: Objective {
    let model: Autoencoder

    func loss(_ batch: Minibatch) -> Tensor { meanSquaredError(model(batch["image"]), batch["image"]) }
}

@main struct Example {
    static func main() throws {
        let (training, heldOut) = Digits.dataSet(shape: [1, 8, 8]).split(heldOut: 0.2, seed: 1)
        let model = Autoencoder()
        let optimizer = try Optimizer(Adam(), for: model, learningRate: 2e-3)
        let options = Trainer.Options(epochs: 20, batchSize: 32, seed: 1)
        let trainer = Trainer(model, Reconstruction(model: model), optimizer, options)
        try trainer.run(on: training, evaluatingOn: heldOut) { event in
            if let epoch = event.epoch { print(epoch) }
        }

        // Above the digits, below what the model makes of them.
        let images = try Minibatch(of: heldOut, 0..<8)["image"]
        let pairs = Tensor(concatenating: [images, model(images)])
        try PictureSheet(pairs, from: 0...1, columns: 8).picture.write(to: "reconstructions.png")
    }
}
