import Soma

struct Residual: Layer {
    let conv1, conv2: Convolution
    let norm1, norm2: BatchNorm

    init(_ channels: Int) {
        conv1 = Convolution(from: channels, to: channels, size: 3, padding: 1, hasBias: false)
        norm1 = BatchNorm(channels)
        conv2 = Convolution(from: channels, to: channels, size: 3, padding: 1, hasBias: false)
        norm2 = BatchNorm(channels)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let y = relu(norm1(conv1(x)))
        return relu(x + norm2(conv2(y)))
    }
}

struct Net: Layer {
    let stem = Convolution(from: 1, to: 16, size: 3, padding: 1)
    let block1 = Residual(16)
    let pool = MaxPooling(2)
    let block2 = Residual(16)
    let head = Linear(from: 16, to: 10)

    func callAsFunction(_ x: Tensor) -> Tensor {
        let maps = block2(pool(block1(relu(stem(x)))))
        return head(maps.mean(alongAxes: 2, 3))
    }
}

@main struct Example {
    static func main() throws {
        let (training, heldOut) = Digits.dataSet(shape: [1, 8, 8]).split(heldOut: 0.2, seed: 1)
        let model = Net()
        let optimizer = try Optimizer(Adam(), for: model, learningRate: 2e-3)
        let trainer = Trainer(model, Classification(model), optimizer, .init(epochs: 5, batchSize: 32, seed: 1))
        try trainer.run(on: training, evaluatingOn: heldOut) { event in
            if let epoch = event.epoch { print(epoch) }
        }

        try Checkpoint.write(model, to: "digits-cnn.safetensors")
        let restored = Net()
        try Checkpoint(path: "digits-cnn.safetensors").restore(restored)
        print("restored:", try Evaluator(Classification(restored)).evaluate(heldOut))
    }
}
