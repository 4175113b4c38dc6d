import Soma
import SomaZoo

/// Training steps of a classifier with Adam on one batch; each reads its loss.
final class TrainingWorkload {
    private let x: Tensor
    private let labels: Tensor
    private let update: CompiledStep
    private let parameterCount: Int

    /// - Parameters:
    ///   - shape: of the batch.
    ///   - model: makes the network, on the current device.
    init(_ device: Device, _ shape: Shape, _ model: () -> any Layer) throws {
        (x, labels, update, parameterCount) = try withDevice(device) {
            let model = model()
            let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
            let update = compiled { (x: Tensor, labels: Tensor) in
                let loss = withTraining { crossEntropy(model(x), labels) }
                try optimizer.update(minimizing: loss)
                return loss
            }
            let count = model.parameters.reduce(0) { $0 + $1.tensor.count }
            return (.randomNormal(shape), Tensor((0..<shape[0]).map { Int32($0 % 10) }), update, count)
        }
    }

    /// Of the MLP 784-512-256-10 on a batch of 128.
    convenience init(mlpOn device: Device) throws {
        try self.init(device, [128, 784]) {
            Sequential(Linear(from: 784, to: 512), ReLU(), Linear(from: 512, to: 256), ReLU(), Linear(from: 256, to: 10))
        }
    }

    func step() throws { _ = try update(x, labels).item() }

    var prepared: PreparedWork {
        PreparedWork(call: step, work: { [self] in .training(update.programs, parameterCount: parameterCount, inputCount: x.count) })
    }
}

extension Work {
    /// Of a step with Adam: its products; the weights and two moments of each, which are read and written; and the batch.
    static func training(_ programs: [ProgramSummary], parameterCount: Int, inputCount: Int) -> Work {
        Work(
            operations: programs.reduce(0) { $0 + $1.productOperations }, bytesRead: 4 * Double(3 * parameterCount + inputCount),
            bytesWritten: 12 * Double(parameterCount))
    }
}

extension Workload {
    static let trainMLP = training("train_mlp", "an MLP 784-512-256-10, Adam, batch 128") { try TrainingWorkload(mlpOn: $0) }

    static let trainLeNet = training("train_lenet5", "LeNet-5 (ReLU, maxima), Adam, batch 128") {
        try TrainingWorkload($0, [128, 1, 28, 28]) { LeNet() }
    }

    static let trainResNet20 = training("train_resnet20", "ResNet-20 on images of 32×32, Adam, batch 64") {
        try TrainingWorkload($0, [64, 3, 32, 32]) { ResNet.small() }
    }

    static let trainResNet18 = training("train_resnet18", "ResNet-18 on images of 224×224, Adam, batch 64", isLarge: true) {
        try TrainingWorkload($0, [64, 3, 224, 224]) { ResNet.resNet18() }
    }

    static let trainDCGAN = Workload(
        "train_dcgan", .rate(1, "steps/s"), "training steps of a DCGAN on images of 28×28, both networks, Adam, batch 64"
    ) {
        try AdversarialWorkload($0).prepared
    }

    static let trainLSTM = Workload(
        "train_lstm", .rate(1, "steps/s"), "training steps of an LSTM of two layers on characters", lacks: "recurrent kernels")

    static let trainGPT = Workload(
        "train_gpt", .rate(1, "steps/s"), "training steps of a GPT of four blocks on characters", lacks: "attention")

    private static func training(
        _ name: String, _ what: String, isLarge: Bool = false, _ prepare: @escaping @Sendable (Device) throws -> TrainingWorkload
    ) -> Workload {
        Workload(name, .rate(1, "steps/s"), "training steps of \(what)", isLarge: isLarge) { try prepare($0).prepared }
    }
}
