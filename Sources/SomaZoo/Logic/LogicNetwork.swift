import Soma

/// Two layers of sigmoid units that learn a gate: the smallest network that needs backpropagation.
struct LogicNetwork: Layer {
    let hidden: Linear
    let output: Linear

    /// Weights and biases are drawn from the normal distribution.
    init(hiddenCount: Int, deviation: Double) {
        let drawn = Initializer.normal(standardDeviation: deviation)
        hidden = Linear(from: 2, to: hiddenCount, weight: drawn, bias: drawn)
        output = Linear(from: hiddenCount, to: 1, weight: drawn, bias: drawn)
    }

    /// The logits of the answers, [..., 1] for inputs [..., 2].
    func logits(_ x: Tensor) -> Tensor { output(sigmoid(hidden(x))) }

    func callAsFunction(_ x: Tensor) -> Tensor { sigmoid(logits(x)) }
}

/// A gate's whole truth table, again and again: one sample is one sweep over its four rows.
struct TruthTable: DataSet {
    let gate: Gate
    let count: Int
    let fields = [Field("input", .float32, [4, 2]), Field("target", .float32, [4, 1])]

    func read(_ indices: [Int], into batch: BatchMemory) {
        for row in indices.indices {
            _ = batch.row(row, of: "input", as: Float.self).update(fromContentsOf: Gate.inputs.joined())
            _ = batch.row(row, of: "target", as: Float.self).update(fromContentsOf: gate.outputs)
        }
    }
}

/// What the network is trained for.
enum LogicLoss: String, SettingChoice {
    case squared
    case crossEntropy = "cross-entropy"
}

/// The error of a gate's answers, and how many of them are on the right side of ½.
struct LogicObjective: Objective {
    let network: LogicNetwork
    let form: LogicLoss

    func loss(_ batch: Minibatch) -> Tensor {
        switch form {
        case .squared: meanSquaredError(network(batch["input"]), batch["target"])
        case .crossEntropy: binaryCrossEntropy(logits: network.logits(batch["input"]), batch["target"])
        }
    }

    func metrics(_ batch: Minibatch) -> [Metric] {
        let isRight = (network.logits(batch["input"]) .>= 0) .== (batch["target"] .>= 0.5)
        let share = isRight.as(.float32).mean() * Double(batch.count)
        return [
            .mean("loss", sum: loss(batch) * Double(batch.count)), .mean("accuracy", sum: share, better: .higher, limits: 0...1),
        ]
    }

    var criterion: Criterion? { .lowest("loss") }
}
