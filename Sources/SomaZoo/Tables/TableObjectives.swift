import Soma

/// Classes told from the rows of a table. Beside loss and accuracy the area under the ROC curve is measured after every epoch; a closer look adds
/// balanced accuracy, calibration and the confusion matrix.
struct TableClassification: Objective {
    let network: TableNetwork
    let classes: [String]
    /// What each class's samples count, with mean 1 over the training part; nil: all the same.
    let weights: [Float]?

    func loss(_ batch: Minibatch) -> Tensor {
        let logits = network(batch.tableRows)
        return crossEntropy(logits, batch["label"], classWeights: weights.map { Tensor($0, device: logits.device) })
    }

    func metrics(_ batch: Minibatch) -> [Metric] {
        let (logits, labels) = (network(batch.tableRows), batch["label"])
        let isRight = logits.argmax(alongAxis: 1) .== labels
        return [.mean("loss", sum: crossEntropy(logits, labels, reduction: .sum)), .share("accuracy", of: isRight), area(logits, labels)]
    }

    private func area(_ logits: Tensor, _ labels: Tensor) -> Metric {
        let count = classes.count
        return Metric(rows: [logits.softmax(alongAxis: 1), labels]) { totals in
            let (scores, labels) = (totals.rows[0].map { Float($0) }, totals.rows[1].map { Int32($0) })
            let area = count == 2
                ? ROC.area(scores: stride(from: 1, to: scores.count, by: 2).map { scores[$0] }, labels: labels)
                : ROC.meanArea(scores: scores, labels: labels, classCount: count)
            // Of one class alone there is nothing to put in order.
            return Report([Figure("auc", area ?? .nan, better: .higher, title: "ROC AUC", limits: 0...1)].filter { _ in area != nil || labels.isEmpty })
        }
    }

    func details(_ batch: Minibatch) -> [Metric] {
        let (logits, labels) = (network(batch.tableRows), batch["label"])
        let count = classes.count
        let calibration = Metric(rows: [logits.softmax(alongAxis: 1), labels]) { totals in
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
        return [.confusion(logits, labels, classes: classes), calibration]
    }

    var criterion: Criterion? { .lowest("loss") }
}

/// A number told from the rows of a table: the squared error of standardised targets is minimised, and errors in the target's own unit measured.
struct TableRegression: Objective {
    let network: TableNetwork
    let scale: Standardisation

    private func answer(_ batch: Minibatch) -> Tensor { network(batch.tableRows).reshaped(to: [batch.count]) }

    func loss(_ batch: Minibatch) -> Tensor { meanSquaredError(answer(batch), batch["target"]) }

    func metrics(_ batch: Minibatch) -> [Metric] {
        let (answers, targets) = (answer(batch), batch["target"])
        return [.mean("loss", sum: square(answers - targets).sum()), .errors(answers, targets, scale: scale)]
    }

    var criterion: Criterion? { .lowest("loss") }
}
