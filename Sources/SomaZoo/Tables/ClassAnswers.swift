import Soma

/// What a model says of rows whose classes are known. Beside loss and accuracy the area under the ROC curve is measured; a closer look adds
/// balanced accuracy, calibration and the confusion matrix.
struct ClassAnswers {
    /// [n, classes]
    private let logits, probabilities: Tensor
    /// [n]
    private let labels: Tensor
    private let classes: [String]

    /// - Parameters:
    ///   - logits: [n, classes].
    ///   - labels: int32 [n].
    init(logits: Tensor, _ labels: Tensor, _ classes: [String]) {
        (self.logits, self.labels, self.classes) = (logits, labels, classes)
        probabilities = logits.softmax(alongAxis: 1)
    }

    /// - Parameter probabilities: [n, classes]. In the loss, -ln p, one of 0 counts as 2⁻²³: a tree is often sure of what is not so, and
    ///   the loss would be infinite.
    init(probabilities: Tensor, _ labels: Tensor, _ classes: [String]) {
        (self.probabilities, self.labels, self.classes) = (probabilities, labels, classes)
        logits = log(maximum(probabilities, Double(Float.ulpOfOne)))
    }

    var metrics: [Metric] {
        let isRight = logits.argmax(alongAxis: 1) .== labels
        return [.mean("loss", sum: crossEntropy(logits, labels, reduction: .sum)), .share("accuracy", of: isRight), area]
    }

    var details: [Metric] { [.confusion(logits, labels, classes: classes), calibration] }

    private var area: Metric {
        let count = classes.count
        return Metric(rows: [probabilities, labels]) { totals in
            let (scores, labels) = (totals.rows[0].map { Float($0) }, totals.rows[1].map { Int32($0) })
            let area = count == 2
                ? ROC.area(scores: stride(from: 1, to: scores.count, by: 2).map { scores[$0] }, labels: labels)
                : ROC.meanArea(scores: scores, labels: labels, classCount: count)
            // Of one class alone there is nothing to put in order.
            let figure = Figure("auc", area ?? .nan, better: .higher, title: "ROC AUC", limits: 0...1)
            return Report(area != nil || labels.isEmpty ? [figure] : [])
        }
    }

    private var calibration: Metric {
        let count = classes.count
        return Metric(rows: [probabilities, labels]) { totals in
            let (probabilities, labels) = (totals.rows[0].map { Float($0) }, totals.rows[1].map { Int32($0) })
            let told = labels.indices.map { row in
                Int32((0..<count).max { probabilities[row * count + $0] < probabilities[row * count + $1] } ?? 0)
            }
            let calibration = Calibration(probabilities: probabilities, labels: labels, classCount: count)
            let figures = [
                PrecisionRecall.balancedAccuracy(predictions: told, labels: labels).map {
                    Figure("balanced_accuracy", $0, better: .higher, title: "balanced accuracy", limits: 0...1)
                },
                calibration?.expectedError.map { Figure("calibration_error", $0, better: .lower, title: "calibration error", limits: 0...1) },
            ]
            return Report(figures.compactMap { $0 })
        }
    }
}
