import SomaGraph

/// Classification by logits: the cross-entropy is minimised, and `loss` (without smoothing) and `accuracy` are measured, and `top5_accuracy` where
/// asked for: whether the class is among the five likeliest. A closer look gives the confusion matrix.
///
/// Of equally likely classes the first goes before the others, so a model that tells nothing apart is right by chance alone. A class whose
/// logit is NaN is never told rightly, and goes before those that have a number.
public struct Classification<Model: Layer>: Objective {
    /// From inputs [n, …] to logits [n, classes].
    public let model: Model
    /// The field that the model takes.
    public let input: String
    /// The field that holds the classes, int32.
    public let label: String
    /// The share ε of the target that is spread evenly over all classes in the loss that is minimised; see `crossEntropy`.
    public let labelSmoothing: Double
    /// How many of the likeliest classes the further measure `topK_accuracy` looks at; nil: there is none.
    public let top: Int?
    /// What the classes are called; empty where nobody has said.
    public let classes: [String]

    /// The loss is `crossEntropy` of the model's logits.
    /// - Parameters:
    ///   - model: from inputs [n, …] to logits [n, classes].
    ///   - input: the name of the field that the model takes.
    ///   - label: the name of the field that holds the classes.
    ///   - top: how many of the likeliest classes are looked at for a further measure, `top5_accuracy` for 5; nil for none.
    ///   - classes: what the classes are called, for the closer look; without names they go by their numbers.
    public init(
        _ model: Model, input: String = "image", label: String = "label", labelSmoothing: Double = 0, top: Int? = nil, classes: [String] = []
    ) {
        (self.model, self.input, self.label, self.labelSmoothing, self.top) = (model, input, label, labelSmoothing, top)
        self.classes = classes
    }

    public func loss(_ batch: Minibatch) -> Tensor {
        crossEntropy(model(batch[input]), batch[label], labelSmoothing: labelSmoothing)
    }

    public func metrics(_ batch: Minibatch) -> [Metric] {
        let (logits, labels) = (model(batch[input]), batch[label])
        let place = LabelPlaces(logits, labels)
        let further = top.map { [Metric.share("top\($0)_accuracy", of: place.isAmong($0), title: "top-\($0)")] } ?? []
        return [.mean("loss", sum: crossEntropy(logits, labels, reduction: .sum), over: Metric.parts(of: labels)), .share("accuracy", of: place.isAmong(1))] + further
    }

    public func details(_ batch: Minibatch) -> [Metric] {
        let logits = model(batch[input])
        let names = classes.isEmpty ? (0..<logits.shape[logits.rank - 1]).map(String.init) : classes
        return [.confusion(logits, batch[label], classes: names)]
    }

    public var criterion: Criterion? { .highest("accuracy") }
}
