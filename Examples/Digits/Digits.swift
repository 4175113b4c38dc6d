import Soma

struct MLP: Layer {
    let hidden = Linear(from: 64, to: 32, weight: .he())
    let norm = BatchNorm(32)
    let dropout = Dropout(rate: 0.1)
    let output = Linear(from: 32, to: 10)

    func callAsFunction(_ x: Tensor) -> Tensor { output(dropout(relu(norm(hidden(x))))) }
}

@main struct Example {
    static func main() throws {
        let model = MLP()
        let optimizer = try Optimizer(Adam(), for: model, learningRate: 2e-3)
        let step = compiled { images, labels in
            let loss = crossEntropy(model(images), labels)
            try optimizer.update(minimizing: loss)
            return loss
        }
        let (training, heldOut) = Digits.dataSet.split(heldOut: 0.2, seed: 1)
        let loader = try BatchLoader(training, batchSize: 32, seed: 1, epochs: 10)
        while let batch = try loader.next() {
            let minibatch = try Minibatch(batch)
            let loss = try step(minibatch["image"], minibatch["label"])
            if batch.isLastOfEpoch { print("epoch \(batch.position.epoch + 1): loss", try loss.item()) }
        }
        let evaluation = try Evaluator(Classification(model)).evaluate(heldOut, batchSize: heldOut.count)
        print("accuracy", evaluation.value(of: "accuracy"), "on \(Device.current)")
    }
}
