import Soma

/// Classes told from the rows of a table.
struct TableClassification: Objective {
    let network: TableNetwork
    let classes: [String]
    /// What each class's samples count, with mean 1 over the training part; nil: all the same.
    let weights: [Float]?

    func loss(_ batch: Minibatch) -> Tensor {
        network.meanLoss(batch) { logits, rows in
            let weights = weights.map { Tensor($0, device: logits.device) }
            guard let rows else { return crossEntropy(logits, batch["label"], classWeights: weights) }
            return (crossEntropy(logits, batch["label"], classWeights: weights, reduction: .none) * rows).sum()
        }
    }

    private func answers(_ batch: Minibatch) -> ClassAnswers { ClassAnswers(logits: network.measured(batch), batch["label"], classes) }
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

    func loss(_ batch: Minibatch) -> Tensor {
        network.meanLoss(batch) { answers, rows in
            let answers = answers.reshaped(to: [batch.count])
            guard let rows else { return meanSquaredError(answers, batch["target"]) }
            return (meanSquaredError(answers, batch["target"], reduction: .none) * rows).sum()
        }
    }
    func metrics(_ batch: Minibatch) -> [Metric] {
        numberMetrics(network.measured(batch).reshaped(to: [batch.count]), batch["target"], scale)
    }
    var criterion: Criterion? { .lowest("loss") }
}

extension TableNetwork {
    /// The mean over members of what each loses, by its results and what each row counts: 1 / the rows that are not left out, or 0.
    fileprivate func meanLoss(_ batch: Minibatch, _ loss: (Tensor, Tensor?) -> Tensor) -> Tensor {
        let losses = answers(to: batch.tableRows).enumerated().map { number, answers in
            guard let part = batch.tablePart else { return loss(answers, nil) }
            let isSeen = (part .!= number).as(.float32)
            return loss(answers, isSeen / maximum(isSeen.sum(), 1))
        }
        return losses.dropFirst().reduce(losses[0], +) / Double(losses.count)
    }

    /// What is measured: of rows that members learn from the result of the one that does not, otherwise the mean.
    fileprivate func measured(_ batch: Minibatch) -> Tensor {
        batch.tablePart.map { unseenAnswers(to: batch.tableRows, $0) } ?? self(batch.tableRows)
    }
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
