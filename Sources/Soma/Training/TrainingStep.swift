import SomaGraph
import Synchronization

/// The captured steps of a training loop: what the task does by a minibatch, and a watch over its losses.
final class TrainingStep: Sendable {
    private let task: any TrainingTask
    private let generator: RandomGenerator
    private let device: Device
    /// For each turn its name.
    private let turns: [String]
    /// The captured steps of each turn's name, for batches of such fields.
    private let known = Mutex<(fields: [String], steps: [String: Steps])?>(nil)
    private let watch: LossWatch
    /// For the name of each turn the numbers of the losses that it tells of; empty until they were looked at.
    private let told = Mutex<[String: [Int]]>([:])
    /// Where the gradients of several parts of a batch are added up; nil where a batch is one part.
    private let accumulation: GradientAccumulation?

    /// - Parameter parts: of how many parts a batch's gradient is added up.
    init(_ task: any TrainingTask, _ generator: RandomGenerator, batchSize: Int, parts: Int) {
        guard let optimizer = task.players.first?.optimizer else { programError("training", "the task has no players") }
        let names = task.players.map(\.name)
        if Set(names).count != names.count { programError("training", "of the players \(names) two have one name") }
        FigureName.require(task.lossNames, "losses")
        if task.turns.isEmpty { programError("training", "the task has no turns") }
        if parts > 1 && (task.players.count > 1 || task.turns.count > 1) {
            programError("training", "a batch in parts (`accumulation`) is for a task of one player whose steps are alike")
        }
        (self.task, self.generator, device, turns) = (task, generator, optimizer.arena.device, task.turns)
        watch = LossWatch(task.lossNames, task.players.map(\.optimizer))
        accumulation = parts > 1 ? GradientAccumulation(optimizer, partSize: (batchSize + parts - 1) / parts) : nil
    }

    /// Starts one step.
    /// - Parameter number: how many there were before; decides whose turn it is.
    func callAsFunction(_ batch: Batch, number: Int) throws {
        let turn = turns[number % turns.count]
        guard let accumulation else { return try run(try Minibatch(batch, device: device), turn, []) }
        let parts = accumulation.parts(of: batch.count)
        let divisors = try self.divisors(batch, parts)
        for rows in parts {
            let part = GradientAccumulation.Part(
                share: Double(rows.count) / Double(batch.count), isFirst: rows.lowerBound == 0, divisors: divisors, device: device)
            try run(try Minibatch(batch, rows: rows, device: device), turn, part.tensors)
        }
        try accumulation.update()
    }

    private func run(_ batch: Minibatch, _ turn: String, _ part: [Tensor]) throws {
        _ = try steps(batch.names, turn).training(batch.tensors + part)
    }

    /// Of means in the loss that are not over samples the sum of each one's divisors in all parts; nil where there are none.
    private func divisors(_ batch: Batch, _ parts: [Range<Int>]) throws -> Tensor? {
        if steps(batch.fields.map(\.name), turns[0]).isWithoutDivisors.load(ordering: .relaxed) { return nil }
        var sum: Tensor?
        for rows in parts {
            let minibatch = try Minibatch(batch, rows: rows, device: device)
            let steps = steps(minibatch.names, turns[0])
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
    var programs: [ProgramSummary] {
        (Set(turns).sorted().flatMap { turn in known.withLock { $0?.steps[turn]?.training.programs } ?? [] }) + (accumulation?.programs ?? [])
    }

    /// Has the next steps look whether numbers of the program that the losses read have changed.
    func checkNumbersNext() { known.withLock { $0?.steps.values.forEach { $0.training.checkNumbersNext() } } }

    /// The captured steps for batches of the same fields and turns of one name.
    private final class Steps: Sendable {
        let training: CompiledStep
        /// The divisors of means in the loss of a part.
        let counting: CompiledStep
        /// Whether it is known that there are none to count.
        let isWithoutDivisors = Atomic(false)

        init(training: CompiledStep, counting: CompiledStep) { (self.training, self.counting) = (training, counting) }
    }

    private func steps(_ fields: [String], _ turn: String) -> Steps {
        known.withLock { known in
            if known?.fields != fields { known = (fields, [:]) }
            if let steps = known?.steps[turn] { return steps }
            let steps = makeSteps(fields, turn)
            known?.steps[turn] = steps
            return steps
        }
    }

    private func makeSteps(_ names: [String], _ turn: String) -> Steps {
        let training = CompiledStep { [unowned self] in
            let batch = Minibatch(names: names, tensors: Array($0[..<names.count]))
            let part = $0.count > names.count ? GradientAccumulation.Part($0[names.count...]) : nil
            return try device.noting(.compiling) { try build(batch, turn, part) }
        }
        let counting = CompiledStep(onlyComputes: true) { [unowned self] in
            let batch = Minibatch(names: names, tensors: $0)
            let divisors = try PartialMeans.divisors { _ = try look(batch, turn) }
            return [divisors ?? .zeros([0], device: device)]
        }
        return Steps(training: training, counting: counting)
    }

    private func build(_ batch: Minibatch, _ turn: String, _ part: GradientAccumulation.Part?) throws -> [Tensor] {
        guard let accumulation, let part else {
            try step(batch, StepContext(watch, turn: turn, sampleCount: batch.count, for: .update))
            return []
        }
        try part.within { try step(batch, StepContext(watch, turn: turn, sampleCount: batch.count, for: .part(accumulation, part))) }
        return []
    }

    /// Builds a step that moves nobody.
    private func look(_ batch: Minibatch, _ turn: String) throws -> StepContext {
        let context = StepContext(watch, turn: turn, sampleCount: batch.count, for: .look)
        try step(batch, context)
        return context
    }

    /// The losses of a minibatch in the first turn, and the gradient of each that is minimised; not computed yet.
    func probe(_ batch: Minibatch) throws -> [Tensor] {
        let context = try look(batch, turns[0])
        let gradients = context.minimized.flatMap { optimizer, loss in Soma.gradient(of: loss, withRespectTo: optimizer.parameters.map(\.tensor)) }
        return context.losses.map(\.value) + gradients
    }

    /// Builds a step of the task, and checks what it tells of.
    private func step(_ batch: Minibatch, _ context: StepContext) throws {
        try withDevice(device) { try withRandomGenerator(generator) { try withTraining { try task.step(batch, context) } } }
        if context.losses.isEmpty && turns.count == 1 { programError("training", "a step of the task tells of no loss") }
    }

    /// Builds a step of each turn for `count` samples of zeros, and throws them away: what a task promises is looked at before it is trained.
    func check(_ fields: [Field], count: Int) throws {
        let zeros = Minibatch(zerosOf: fields, count: count, device: device)
        let told = try Capture().recording {
            try Dictionary(uniqueKeysWithValues: Set(turns).sorted().map { turn in
                let losses = try look(zeros, turn).losses.map(\.name)
                return (turn, task.lossNames.indices.filter { losses.contains(task.lossNames[$0]) })
            })
        }
        self.told.withLock { $0 = told }
    }

    /// The numbers of the losses that a step tells of.
    func toldLosses(of number: Int) -> [Int] { told.withLock { $0[turns[number % turns.count]] ?? Array(task.lossNames.indices) } }

    /// For each loss the sum over samples since it was last set to 0; waits for the updates.
    /// - Throws: `SomaError` that tells the first update whose loss was NaN or infinite; `BackendError`.
    func readLossSums() throws -> [Double] { try watch.read() }

    /// Continues the sums from other values.
    func setLossSums(_ sums: [Double]) { watch.set(sums) }
}
