import SomaGraph

// What an objective promises is looked at when it is first used, and not after an epoch.

extension Objective {
    /// The loss of a minibatch, which must be one real number.
    func checkedLoss(_ batch: Minibatch) -> Tensor {
        let loss = loss(batch)
        guard loss.shape == .scalar, loss.dtype.isFloatingPoint else {
            programError("training", "the loss is \(loss.dtype) \(loss.shape) and not one real number: reduce it with mean() or sum()")
        }
        return loss
    }

    /// The measures of a minibatch, which must be one real number for each name.
    func checkedMeasures(_ batch: Minibatch) -> [Tensor] {
        let (names, measures) = (measureNames, measures(batch))
        guard measures.count == names.count, Set(names).count == names.count else {
            programError("measures", "\(measures.count) measures for the names \(names), each of which must be there once")
        }
        for (name, measure) in zip(names, measures) where measure.shape != .scalar || measure.dtype != .float32 {
            programError(
                "measures",
                "'\(name)' is \(measure.dtype) \(measure.shape) and not one float32, the sum over the samples of a minibatch: "
                    + (measure.shape == .scalar ? "cast it with as(.float32)" : "reduce it with sum()"))
        }
        return measures
    }

    /// Builds the loss of a minibatch and the measures of another, of `count` zeros each, and throws them away: nothing is computed.
    /// - Parameter heldOut: the fields of what is measured, if anything is.
    func check(_ training: [Field], heldOut: [Field]?, count: Int, on device: Device) {
        func zeros(_ fields: [Field]) -> Minibatch {
            Minibatch(
                names: fields.map(\.name), tensors: fields.map { .zeros(Shape([count] + $0.shape), dtype: $0.dtype, device: device) })
        }
        Capture().recording {
            withDevice(device) {
                _ = withTraining { checkedLoss(zeros(training)) }
                guard let heldOut else { return }
                _ = withInference { checkedMeasures(zeros(heldOut)) }
                if !measureNames.contains(criterion.measure) {
                    programError("measures", "the criterion '\(criterion.measure)' is none of the measures \(measureNames)")
                }
            }
        }
    }
}
