import Soma
import SomaZoo

/// Training steps with Adam on one batch, by the cross-entropy; each reads its loss.
final class TrainingWorkload {
    private let x: Tensor
    private let labels: Tensor
    private let update: CompiledStep
    private let parameterCount: Int

    /// - Parameters:
    ///   - batch: makes what the network takes, and the labels.
    ///   - network: makes the network, on the current device, and says what its logits are.
    private init(
        _ device: Device, _ batch: () -> (x: Tensor, labels: Tensor), _ network: () -> (module: any Module, logits: @Sendable (Tensor) -> Tensor)
    ) throws {
        (x, labels, update, parameterCount) = try withDevice(device) {
            let (module, logits) = network()
            let optimizer = try Optimizer(Adam(), for: module, learningRate: 1e-3)
            let update = compiled { (x: Tensor, labels: Tensor) in
                let loss = withTraining { crossEntropy(logits(x), labels) }
                try optimizer.update(minimizing: loss)
                return loss
            }
            let (x, labels) = batch()
            return (x, labels, update, module.parameters.reduce(0) { $0 + $1.tensor.count })
        }
    }

    /// Of a classifier of ten classes.
    /// - Parameter shape: of the batch.
    convenience init(_ device: Device, _ shape: Shape, _ model: () -> any Layer) throws {
        try self.init(device) {
            (.randomNormal(shape), Tensor((0..<shape[0]).map { Int32($0 % 10) }))
        } _: {
            let model = model()
            return (model, { model($0) })
        }
    }

    /// Of a language model of 64 tokens.
    /// - Parameter shape: [N, T], texts and their length.
    convenience init(_ device: Device, tokens shape: Shape, _ model: () -> any LanguageModel) throws {
        func tokens(_ factor: Int) -> Tensor { Tensor((0..<shape.count).map { Int32(($0 &* factor >> 7) & 63) }, shape: shape) }
        try self.init(device) {
            (tokens(40_503), tokens(48_271))
        } _: {
            let model = model()
            return (model, { model($0, from: nil).logits })
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

    static let trainLSTM = training("train_lstm", "an LSTM of 2 layers of 256 units on 32 texts of 64 characters, Adam") {
        try TrainingWorkload($0, tokens: [32, 64]) { RecurrentLanguageModel(.lstm, vocabularyCount: 64, units: 256, layers: 2) }
    }

    static let trainGPT = training("train_gpt", "a GPT of 4 blocks of 256 features, 4 heads, on 16 texts of 128 characters, Adam") {
        try TrainingWorkload($0, tokens: [16, 128]) {
            GPT(.init(vocabulary: 64, context: 128, layers: 4, heads: 4, width: 256, dropout: 0, isTied: false))
        }
    }

    private static func training(
        _ name: String, _ what: String, isLarge: Bool = false, _ prepare: @escaping @Sendable (Device) throws -> TrainingWorkload
    ) -> Workload {
        Workload(name, .rate(1, "steps/s"), "training steps of \(what)", isLarge: isLarge) { try prepare($0).prepared }
    }
}
