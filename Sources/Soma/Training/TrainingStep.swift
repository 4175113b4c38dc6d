import SomaGraph
import Synchronization

/// The captured step of a training loop: loss, gradients, update, and a watch over the losses that needs no reading.
final class TrainingStep: Sendable {
    private let objective: any Objective
    private let optimizer: Optimizer
    private let generator: RandomGenerator
    private let device: Device
    private let step = Mutex<(names: [String], step: CompiledStep)?>(nil)
    /// The sum of the losses of the samples since it was last read.
    private let lossSum: State
    /// The number of the first update whose loss was not finite; 0 for none.
    private let brokenUpdate: State

    init(_ objective: any Objective, _ optimizer: Optimizer, _ generator: RandomGenerator) {
        (self.objective, self.optimizer, self.generator, device) = (
            objective, optimizer, generator, optimizer.arena.device
        )
        lossSum = State(Tensor([Float(0)], shape: .scalar, device: device))
        brokenUpdate = State(Tensor([Int32(0)], shape: .scalar, device: device))
    }

    /// Starts one update.
    func callAsFunction(_ batch: Minibatch) throws { _ = try step(batch.names)(batch.tensors) }

    private func step(_ names: [String]) -> CompiledStep {
        step.withLock { known in
            if let known, known.names == names { return known.step }
            let made = CompiledStep { [unowned self] in try build(Minibatch(names: names, tensors: $0)) }
            known = (names, made)
            return made
        }
    }

    private func build(_ batch: Minibatch) throws -> [Tensor] {
        try withDevice(device) {
            try withRandomGenerator(generator) {
                let loss = withTraining { objective.loss(batch) }
                guard loss.shape == .scalar else {
                    programError("training", "the loss has shape \(loss.shape) and is not one number")
                }
                watch(loss, sampleCount: batch.count)
                try optimizer.update(minimizing: loss)
                return []
            }
        }
    }

    private func watch(_ loss: Tensor, sampleCount: Int) {
        lossSum.assign(lossSum.tensor + loss.withoutGradient() * Double(sampleCount))
        let number = hostScalar(.int32, on: device) { [optimizer] in Double(optimizer.updateCount + 1) }
        let isFirst = (.!(abs(loss) .< .infinity)) .&& (brokenUpdate.tensor .== 0)
        brokenUpdate.assign(.select(isFirst, number, brokenUpdate.tensor))
    }

    /// The sum of the samples' losses since it was last set to 0; waits for the updates.
    /// - Throws: `SomaError` that tells the first update whose loss was NaN or infinite; `BackendError`.
    func readLossSum() throws -> Double {
        let sum = try lossSum.tensor.item()
        guard sum.isFinite else { throw SomaError(try brokenLoss(sum)) }
        return sum
    }

    /// Continues the sum from another value.
    func setLossSum(_ sum: Double) { lossSum.assign(Tensor([Float(sum)], shape: .scalar, device: device)) }

    private func brokenLoss(_ sum: Double) throws -> String {
        let number = Int(try brokenUpdate.tensor.item())
        let what = sum.isNaN ? "NaN" : "infinite"
        return number > 0 ? "the loss became \(what) at step \(number)" : "the sum of the losses became \(what)"
    }
}
