import SomaGraph

/// What a model is trained for: a loss to minimise, and what to measure of how well it does.
///
/// One of your own may use any fields of a data set, several models, and any loss. Both functions are captured (see `CompiledStep`): a number that
/// changes while a model trains must be a `State`, `optimizer.scheduled(…)` or `Tensor.asked { }`.
public protocol Objective: Sendable {
    /// The loss of a minibatch, of rank 0: a mean over its samples, or over what counts of them by `mean(weightedBy:)` or a loss that
    /// takes its mean so, as `crossEntropy` does.
    func loss(_ batch: Minibatch) -> Tensor

    /// Names of what `measures` gives.
    var measureNames: [String] { get }

    /// Measures of a minibatch, float32 of rank 0 each: sums over its samples, which become means over all samples of a data
    /// set.
    func measures(_ batch: Minibatch) -> [Tensor]

    /// Which measure tells the best state of training.
    var criterion: Criterion { get }
}

/// What makes one state of training better than another.
public struct Criterion: Hashable, Sendable {
    public let measure: String
    public let prefersHigh: Bool

    public static func highest(_ measure: String) -> Criterion { Criterion(measure: measure, prefersHigh: true) }
    public static func lowest(_ measure: String) -> Criterion { Criterion(measure: measure, prefersHigh: false) }

    /// Whether a value is better than the best so far; NaN never is.
    func isBetter(_ value: Double, than best: Double?) -> Bool {
        guard let best else { return !value.isNaN }
        return prefersHigh ? value > best : value < best
    }
}

/// Samples as tensors, by the names of the data set's fields: [count] + the field's shape each.
public struct Minibatch: Sendable {
    public let names: [String]
    public let tensors: [Tensor]

    public init(names: [String], tensors: [Tensor]) { (self.names, self.tensors) = (names, tensors) }

    public var count: Int { tensors.first?.shape[0] ?? 0 }

    public subscript(name: String) -> Tensor {
        guard let index = names.firstIndex(of: name) else {
            programError("minibatch", "there is no field '\(name)' among \(names)")
        }
        return tensors[index]
    }
}

extension Minibatch {
    /// Uploads the fields of a batch.
    /// - Throws: `BackendError`.
    public init(_ batch: Batch, device: Device = .current) throws {
        try self.init(batch, rows: 0..<batch.count, device: device)
    }

    /// Uploads the fields of some samples of a batch.
    /// - Throws: `BackendError`.
    public init(_ batch: Batch, rows: Range<Int>, device: Device = .current) throws {
        let fields = batch.fields
        let tensors = try fields.map { field in
            try batch.withBytes(of: field.name) { bytes in
                let part = bytes[rows.lowerBound * field.byteCount..<rows.upperBound * field.byteCount]
                return try Tensor(
                    bytes: UnsafeRawBufferPointer(rebasing: part), shape: Shape([rows.count] + field.shape), dtype: field.dtype, device: device)
            }
        }
        self.init(names: fields.map(\.name), tensors: tensors)
    }
}

/// Classes told from logits: the cross-entropy is minimised, and `loss` (without smoothing) and `accuracy` are
/// measured, and `top5_accuracy` where asked for: whether the class is among the five likeliest.
///
/// Of equally likely classes the first goes before the others, so a model that tells nothing apart is right by chance alone. A class whose
/// logit is NaN is never told rightly, and goes before those that have a number.
public struct Classification<Model: Layer>: Objective {
    public let model: Model
    public let input: String
    public let label: String
    public let labelSmoothing: Double
    public let top: Int?

    /// - Parameters:
    ///   - model: from inputs [n, …] to logits [n, classes].
    ///   - input: the name of the field that the model takes.
    ///   - label: the name of the field that holds the classes.
    ///   - top: how many of the likeliest classes are looked at for a further measure, `top5_accuracy` for 5; nil for none.
    public init(_ model: Model, input: String = "image", label: String = "label", labelSmoothing: Double = 0, top: Int? = nil) {
        (self.model, self.input, self.label, self.labelSmoothing, self.top) = (model, input, label, labelSmoothing, top)
    }

    public func loss(_ batch: Minibatch) -> Tensor {
        crossEntropy(model(batch[input]), batch[label], labelSmoothing: labelSmoothing)
    }

    public var measureNames: [String] { ["loss", "accuracy"] + (top.map { ["top\($0)_accuracy"] } ?? []) }

    public func measures(_ batch: Minibatch) -> [Tensor] {
        let (logits, labels) = (model(batch[input]), batch[label])
        let place = LabelPlaces(logits, labels)
        return [crossEntropy(logits, labels, reduction: .sum)] + ([1] + (top.map { [$0] } ?? [])).map { place.isAmong($0).as(.float32).sum() }
    }

    public var criterion: Criterion { .highest("accuracy") }
}
