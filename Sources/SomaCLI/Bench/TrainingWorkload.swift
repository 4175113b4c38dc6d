import Soma

/// Training steps of the MLP 784-512-256-10 with Adam on a batch of 128; each reads its loss.
final class TrainingWorkload {
    private let x: Tensor
    private let labels: Tensor
    private let update: CompiledStep

    init(_ device: Device) throws {
        (x, labels, update) = try withDevice(device) {
            let model = Sequential(Linear(from: 784, to: 512), ReLU(), Linear(from: 512, to: 256), ReLU(), Linear(from: 256, to: 10))
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let update = compiled { (x: Tensor, labels: Tensor) in
                let loss = crossEntropy(model(x), labels)
                try optimizer.update(minimizing: loss)
                return loss
            }
            return (.randomNormal([128, 784]), Tensor((0..<128).map { Int32($0 % 10) }), update)
        }
    }

    func step() throws { _ = try update(x, labels).item() }
}

extension Workload {
    static let trainMLP = Workload(
        "train_mlp", "steps/s", "training steps of an MLP 784-512-256-10, Adam, batch 128", value: { 1 / $0 }
    ) { device in
        let training = try TrainingWorkload(device)
        return training.step
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
