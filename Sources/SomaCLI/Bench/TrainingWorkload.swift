import Soma
import SomaZoo

/// Training steps of a classifier with Adam on one batch; each reads its loss.
final class TrainingWorkload {
    private let x: Tensor
    private let labels: Tensor
    private let update: CompiledStep

    /// - Parameters:
    ///   - shape: of the batch.
    ///   - model: makes the network, on the current device.
    init(_ device: Device, _ shape: Shape, _ model: () -> any Layer) throws {
        (x, labels, update) = try withDevice(device) {
            let model = model()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let update = compiled { (x: Tensor, labels: Tensor) in
                let loss = crossEntropy(model(x), labels)
                try optimizer.update(minimizing: loss)
                return loss
            }
            return (.randomNormal(shape), Tensor((0..<shape[0]).map { Int32($0 % 10) }), update)
        }
    }

    /// Of the MLP 784-512-256-10 on a batch of 128.
    convenience init(mlpOn device: Device) throws {
        try self.init(device, [128, 784]) {
            Sequential(Linear(from: 784, to: 512), ReLU(), Linear(from: 512, to: 256), ReLU(), Linear(from: 256, to: 10))
        }
    }

    func step() throws { _ = try update(x, labels).item() }
}

extension Workload {
    static let trainMLP = Workload(
        "train_mlp", "steps/s", "training steps of an MLP 784-512-256-10, Adam, batch 128", value: { 1 / $0 }
    ) { device in
        try TrainingWorkload(mlpOn: device).step
    }

    static let trainLeNet = Workload(
        "train_lenet5", "steps/s", "training steps of LeNet-5 (ReLU, maxima), Adam, batch 128", value: { 1 / $0 }
    ) { device in
        try TrainingWorkload(device, [128, 1, 28, 28]) { LeNet() }.step
    }

    static let trainResNet20 = Workload(
        "train_resnet20", "steps/s", "training steps of ResNet-20 on images of 32×32, Adam, batch 64", value: { 1 / $0 }
    ) { device in
        try TrainingWorkload(device, [64, 3, 32, 32]) { ResNet.small() }.step
    }

    static let trainResNet18 = Workload(
        "train_resnet18", "steps/s", "training steps of ResNet-18 on images of 224×224, Adam, batch 64", value: { 1 / $0 }
    ) { device in
        try TrainingWorkload(device, [64, 3, 224, 224]) { ResNet.resNet18() }.step
    }

    /// What an operation costs before any work is done: 1,000 additions of 16 numbers, and one read.
    static let tinyAddsLazy = tinyAdds("us/op_lazy_one_eval", "each of 1,000 additions of 16 numbers, computed together") { $0 }

    /// The same, computed one by one.
    static let tinyAddsEach = tinyAdds("us/op_eval_each", "the same, computed one by one") { try $0.realize() }

    private static func tinyAdds(_ metric: String, _ summary: String, _ each: @escaping @Sendable (Tensor) throws -> Tensor) -> Workload {
        Workload("tiny_adds", metric, summary, value: { $0 / 1000 * 1e6 }) { _ in
            let (x, y) = (try Tensor.randomNormal([16]).realize(), try Tensor.randomNormal([16]).realize())
            return {
                var z = x
                for _ in 0..<1000 { z = try each(z + y) }
                _ = try z.scalars(as: Float.self)
            }
        }
    }

    /// From the start of a process to the end of its first training step, five times.
    static let startup = Workload(
        "startup", "s_import+first_mlp_step", "from the start of a process to the end of its first training step", value: { $0 }
    ) { device, _ in
        let start = { try Subprocess.runSelf(["bench", "--first-step", "--device", "\(device)"]) }
        let first = try Measurement.time(1, start)
        return Measurement(seconds: try (0..<5).map { _ in try Measurement.time(1, start) }, firstCall: first)
    }
}
