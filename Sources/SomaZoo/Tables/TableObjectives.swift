import Soma

/// Classes told from the rows of a table.
struct TableClassification: Objective {
    let network: TableNetwork
    let classes: [String]
    /// What each class's samples count, with mean 1 over the training part; nil: all the same.
    let weights: [Float]?

    func loss(_ batch: Minibatch) -> Tensor {
        let logits = network(batch.tableRows)
        return crossEntropy(logits, batch["label"], classWeights: weights.map { Tensor($0, device: logits.device) })
    }

    private func answers(_ batch: Minibatch) -> ClassAnswers { ClassAnswers(logits: network(batch.tableRows), batch["label"], classes) }
    func metrics(_ batch: Minibatch) -> [Metric] { answers(batch).metrics }
    func details(_ batch: Minibatch) -> [Metric] { answers(batch).details }
    var criterion: Criterion? { .lowest("loss") }
}

/// Classes that a model without a network has told.
struct AnsweredClasses: Measured {
    let classes: [String]

    private func answers(_ batch: Minibatch) -> ClassAnswers {
        ClassAnswers(probabilities: batch[RowModelField.answer], batch["label"], classes)
    }
    func metrics(_ batch: Minibatch) -> [Metric] { answers(batch).metrics }
    func details(_ batch: Minibatch) -> [Metric] { answers(batch).details }
    var criterion: Criterion? { .lowest("loss") }
}

/// A number told from the rows of a table: the squared error of standardised targets is minimised, and errors in the target's own unit measured.
struct TableRegression: Objective {
    let network: TableNetwork
    let scale: Standardisation

    private func answer(_ batch: Minibatch) -> Tensor { network(batch.tableRows).reshaped(to: [batch.count]) }

    func loss(_ batch: Minibatch) -> Tensor { meanSquaredError(answer(batch), batch["target"]) }
    func metrics(_ batch: Minibatch) -> [Metric] { numberMetrics(answer(batch), batch["target"], scale) }
    var criterion: Criterion? { .lowest("loss") }
}

/// A number that a model without a network has told.
struct AnsweredNumber: Measured {
    let scale: Standardisation

    func metrics(_ batch: Minibatch) -> [Metric] {
        numberMetrics(batch[RowModelField.answer].reshaped(to: [batch.count]), batch["target"], scale)
    }
    var criterion: Criterion? { .lowest("loss") }
}

/// - Parameters:
///   - answers, targets: [n], standardised by `scale`.
private func numberMetrics(_ answers: Tensor, _ targets: Tensor, _ scale: Standardisation) -> [Metric] {
    [.mean("loss", sum: square(answers - targets).sum()), .errors(answers, targets, scale: scale)]
}
