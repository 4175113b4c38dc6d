import Soma

/// A `DCGAN` and the network that its pictures are measured by, which stays as it is.
struct JudgedDCGAN: Module, CustomReflectable {
    let networks: DCGAN
    let judge: PictureJudge

    /// Checkpoints name both networks without a prefix.
    var customMirror: Mirror {
        Mirror(self, children: ["generator": networks.generator, "discriminator": networks.discriminator, "judge": judge], displayStyle: .struct)
    }
}

/// What a generator of pictures is measured by, beside as many real ones (fields `image`, `label`) and made of the numbers of the field `noise`.
struct GeneratorScores: Measured {
    let module: JudgedDCGAN
    let classes: [String]
    let criterion: Criterion? = .lowest("frechet_distance")

    private func generated(_ batch: Minibatch) -> Tensor { module.networks.generator(batch["noise"]) }
    private func real(_ batch: Minibatch) -> Tensor { SignedPixels()(batch["image"]) }

    func metrics(_ batch: Minibatch) -> [Metric] {
        let (real, generated) = (module.judge.features(real(batch)), module.judge.features(generated(batch)))
        let logits = module.judge.classes(generated)
        return [.frechetDistance(real: real, generated: generated), .inceptionScore(logits: logits), .coverage(logits: logits)]
    }

    func details(_ batch: Minibatch) -> [Metric] {
        let (realFeatures, features) = (module.judge.features(real(batch)), module.judge.features(generated(batch)))
        let (answers, logits) = (module.judge.classes(realFeatures), module.judge.classes(features))
        let isRight = answers.argmax(alongAxis: 1) .== batch["label"]
        return [
            .shares("what the classifier takes generated pictures for", logits: logits, classes: classes),
            .share("classifier_accuracy", of: isRight, title: "classifier on real pictures"),
            .inceptionScore("real_inception_score", logits: answers, title: "its score of these"),
            .precisionAndRecall(real: realFeatures, generated: features),
        ]
    }
}

/// Generated pictures and beside each the picture of the training data whose features are nearest: who learnt by heart shows them twice.
struct NearestPictures {
    let module: JudgedDCGAN
    let noise: NoiseSource
    let training: any DataSet

    /// Pictures in a row of the sheet, and rows of them.
    private static let (columns, rows) = (12, 3)
    /// Training pictures that are looked at.
    private static let most = 10_000

    /// Rows of generated pictures, and below each row the nearest real ones.
    /// - Throws: what reading a sample throws; `BackendError`.
    func sheet() throws -> Picture {
        let count = Self.columns * Self.rows
        let generated = try withInference { try module.networks.generator(Tensor((0..<count).flatMap(noise.values), shape: [count, noise.count])).realize() }
        let features = try withInference { try module.judge.features(generated).realize() }
        var nearest = [(distance: Float, picture: [Float])](repeating: (.infinity, []), count: count)
        let loader = try BatchLoader(training, batchSize: min(250, training.count), seed: nil, epochs: 1)
        var seen = 0
        while seen < Self.most, let batch = try loader.next() {
            let real = try SignedPixels()(Minibatch(batch)["image"]).realize()
            let others = withInference { module.judge.features(real) }
            let distances = square(features.reshaped(to: [count, 1, features.shape[1]]) - others.reshaped(to: [1, others.shape[0], others.shape[1]]))
                .sum(alongAxes: 2)
            let (values, pictures): ([Float], [Float]) = (try distances.scalars(), try real.scalars())
            let (number, size) = (others.shape[0], pictures.count / others.shape[0])
            for sample in 0..<count {
                for other in 0..<number where values[sample * number + other] < nearest[sample].distance {
                    nearest[sample] = (values[sample * number + other], Array(pictures[other * size..<(other + 1) * size]))
                }
            }
            seen += number
        }
        return try sheet(try generated.scalars(), nearest.map(\.picture), generated.shape)
    }

    private func sheet(_ generated: [Float], _ nearest: [[Float]], _ shape: Shape) throws -> Picture {
        let tile = PictureSize(height: shape[2], width: shape[3])
        var sheet = try PictureSheet(count: 2 * nearest.count, tile: tile, channels: shape[1], columns: Self.columns)
        let size = generated.count / nearest.count
        for row in 0..<Self.rows {
            let indices = row * Self.columns..<(row + 1) * Self.columns
            for index in indices { sheet.add(Array(generated[index * size..<(index + 1) * size]), from: -1...1) }
            for index in indices { sheet.add(nearest[index].isEmpty ? [Float](repeating: -1, count: size) : nearest[index], from: -1...1) }
        }
        return sheet.picture
    }
}
