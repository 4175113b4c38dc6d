import SomaGraph
import Synchronization

/// The captured step of a training loop: loss, gradients, update, and a watch over the losses that needs no reading.
final class TrainingStep: Sendable {
    private let objective: any Objective
    private let optimizer: Optimizer
    private let generator: RandomGenerator
    private let device: Device
    private let known = Mutex<(names: [String], steps: Steps)?>(nil)
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
        let parts = accumulation.parts(of: batch.count)
        let divisors = try self.divisors(batch, parts)
        for rows in parts {
            let part = GradientAccumulation.Part(
                share: Double(rows.count) / Double(batch.count), isFirst: rows.lowerBound == 0, divisors: divisors, device: device)
            try run(try Minibatch(batch, rows: rows, device: device), part.tensors)
        }
        try accumulation.update()
    }

    private func run(_ batch: Minibatch, _ part: [Tensor]) throws { _ = try steps(batch.names).training(batch.tensors + part) }

    /// Of means in the loss that are not over samples the sum of each one's divisors in all parts; nil where there are none.
    private func divisors(_ batch: Batch, _ parts: [Range<Int>]) throws -> Tensor? {
        if steps(batch.fields.map(\.name)).isWithoutDivisors.load(ordering: .relaxed) { return nil }
        var sum: Tensor?
        for rows in parts {
            let minibatch = try Minibatch(batch, rows: rows, device: device)
            let steps = steps(minibatch.names)
            if steps.isWithoutDivisors.load(ordering: .relaxed) { return nil }
            let divisors = try steps.counting(minibatch.tensors)[0]
            if divisors.count == 0 {
                steps.isWithoutDivisors.store(true, ordering: .relaxed)
                return nil
            }
            sum = sum.map { $0 + divisors } ?? divisors
        }
        return sum
    }

    /// The programs that were compiled, and what they take.
    var programs: [ProgramSummary] { (known.withLock { $0?.steps.training.programs } ?? []) + (accumulation?.programs ?? []) }

    /// Has the next step look whether numbers of the program that the loss reads have changed.
    func checkNumbersNext() { known.withLock { $0?.steps.training.checkNumbersNext() } }

    /// The captured steps for batches of the same fields.
    private final class Steps: Sendable {
        let training: CompiledStep
        /// The divisors of means in the loss of a part.
        let counting: CompiledStep
        /// Whether it is known that there are none to count.
        let isWithoutDivisors = Atomic(false)

        init(training: CompiledStep, counting: CompiledStep) { (self.training, self.counting) = (training, counting) }
    }

    private func steps(_ names: [String]) -> Steps {
        known.withLock { known in
            if let known, known.names == names { return known.steps }
            let training = CompiledStep { [unowned self] in
                let batch = Minibatch(names: names, tensors: Array($0[..<names.count]))
                let part = $0.count > names.count ? GradientAccumulation.Part($0[names.count...]) : nil
                return try device.noting(.compiling) { try build(batch, part) }
            }
            let counting = CompiledStep(onlyComputes: true) { [unowned self] in
                let batch = Minibatch(names: names, tensors: $0)
                let divisors = PartialMeans.divisors { loss(batch) }
                return [divisors ?? .zeros([0], device: device)]
            }
            let steps = Steps(training: training, counting: counting)
            known = (names, steps)
            return steps
        }
    }

    private func loss(_ batch: Minibatch) -> Tensor {
        withDevice(device) { withRandomGenerator(generator) { withTraining { objective.checkedLoss(batch) } } }
    }

    private func build(_ batch: Minibatch, _ part: GradientAccumulation.Part?) throws -> [Tensor] {
        try withDevice(device) {
            let loss = part.map { part in part.loss { self.loss(batch) } } ?? self.loss(batch)
            watch(loss, sampleCount: batch.count)
            if let accumulation, let part {
                accumulation.add(optimizer.flatGradient(of: loss), part)
            } else {
                try optimizer.update(minimizing: loss)
            }
            return []
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
