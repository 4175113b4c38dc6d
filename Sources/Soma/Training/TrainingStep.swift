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
    /// Where the gradients of several parts of a batch are added up; nil where a batch is one part.
    private let accumulation: GradientAccumulation?

    /// - Parameter parts: of how many parts a batch's gradient is added up.
    init(_ objective: any Objective, _ optimizer: Optimizer, _ generator: RandomGenerator, batchSize: Int, parts: Int) {
        (self.objective, self.optimizer, self.generator, device) = (
            objective, optimizer, generator, optimizer.arena.device
        )
        lossSum = State(Tensor([Float(0)], shape: .scalar, device: device))
        brokenUpdate = State(Tensor([Int32(0)], shape: .scalar, device: device))
        accumulation = parts > 1 ? GradientAccumulation(optimizer, partSize: (batchSize + parts - 1) / parts) : nil
    }

    /// Starts one update.
    func callAsFunction(_ batch: Batch) throws {
        guard let accumulation else { return try run(try Minibatch(batch, device: device), []) }
        for part in accumulation.parts(of: batch.count) {
            let share = Double(part.count) / Double(batch.count)
            let scalars = try accumulation.scalars(share: share, isFirst: part.lowerBound == 0)
            try run(try Minibatch(batch, rows: part, device: device), scalars)
        }
        try accumulation.update()
    }

    private func run(_ batch: Minibatch, _ scalars: [Tensor]) throws { _ = try step(batch.names)(batch.tensors + scalars) }

    /// The programs that were compiled, and what they take.
    var programs: [ProgramSummary] { (step.withLock { $0?.step.programs } ?? []) + (accumulation?.programs ?? []) }

    private func step(_ names: [String]) -> CompiledStep {
        step.withLock { known in
            if let known, known.names == names { return known.step }
            let made = CompiledStep { [unowned self] in
                let (batch, scalars) = (Minibatch(names: names, tensors: Array($0[..<names.count])), Array($0[names.count...]))
                return try device.noting(.compiling) { try build(batch, scalars) }
            }
            known = (names, made)
            return made
        }
    }

    private func build(_ batch: Minibatch, _ scalars: [Tensor]) throws -> [Tensor] {
        try withDevice(device) {
            try withRandomGenerator(generator) {
                let loss = withTraining { objective.loss(batch) }
                guard loss.shape == .scalar else {
                    programError("training", "the loss has shape \(loss.shape) and is not one number")
                }
                watch(loss, sampleCount: batch.count)
                if let accumulation {
                    accumulation.add(optimizer.flatGradient(of: loss), scalars)
                } else {
                    try optimizer.update(minimizing: loss)
                }
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
