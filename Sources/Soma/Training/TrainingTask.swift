import SomaGraph

/// What a run trains: one or several players, what a step does with them, and what they are measured by.
///
/// Where one player minimises one loss, an `Objective` and an optimiser are enough (`Trainer(model, objective, optimizer, options)`). Two
/// players that work against each other are a task of one's own:
///
/// ```swift
/// struct Adversaries: TrainingTask {
///     let networks: Networks                                  // a Module of both
///     let generator, discriminator: Player
///
///     var module: any Module { networks }
///     var players: [Player] { [generator, discriminator] }
///
///     func step(_ batch: Minibatch, _ context: StepContext) throws {
///         let fake = networks.generator(.randomNormal([batch.count, 100]))
///         try context.minimize(verdictLoss(batch["image"], fake.withoutGradient()), by: discriminator)
///         try context.minimize(deceptionLoss(fake), by: generator)
///     }
/// }
/// ```
public protocol TrainingTask: Measured {
    /// Everything that a checkpoint keeps: the modules of all players, and what is frozen.
    var module: any Module { get }

    /// Who is trained. Each trains parameters of `module` that no other one does.
    var players: [Player] { get }

    /// The steps that come round in turn, by name, as where one player moves five times as often as the other: `StepContext.turn` tells which it is.
    /// Steps of one name are captured once.
    var turns: [String] { get }

    /// The losses that `step` tells of, by name: what `StepContext.minimize` is given, and further ones. Each has a column in metrics.csv.
    var lossNames: [String] { get }

    /// One step by a minibatch, built to train. It is captured (see `CompiledStep`).
    func step(_ batch: Minibatch, _ context: StepContext) throws

    /// What the task shows of itself after an epoch, such as pictures that it makes; it goes into the run folder.
    /// - Throws: `BackendError`.
    func preview() throws -> [Preview]
}

extension TrainingTask {
    public var turns: [String] { ["step"] }
    public var lossNames: [String] { players.count == 1 ? ["loss"] : players.map { "\($0.name)_loss" } }
    public func preview() throws -> [Preview] { [] }
    /// None.
    public func metrics(_ batch: Minibatch) -> [Metric] { [] }
    /// None.
    public var criterion: Criterion? { nil }
}

/// Who is trained: parameters and an optimiser of these.
public struct Player: Sendable {
    /// As messages and columns call it: `generator`.
    public let name: String
    /// Updates the player's parameters.
    public let optimizer: Optimizer

    /// A player called `name`, whose parameters are the optimiser's.
    public init(_ name: String, _ optimizer: Optimizer) { (self.name, self.optimizer) = (name, optimizer) }
}

/// The task of one player that minimises the loss of an objective.
public struct SupervisedTask: TrainingTask {
    public let module: any Module
    /// The loss that is minimised, and what is measured.
    public let objective: any Objective
    private let player: Player

    /// A task whose only player is called `model`.
    /// - Parameters:
    ///   - module: what checkpoints keep.
    ///   - optimizer: of parameters of the module.
    public init(_ module: any Module, _ objective: any Objective, _ optimizer: Optimizer) {
        (self.module, self.objective) = (module, objective)
        player = Player("model", optimizer)
    }

    public var players: [Player] { [player] }
    public var criterion: Criterion? { objective.criterion }
    public func metrics(_ batch: Minibatch) -> [Metric] { objective.metrics(batch) }
    public func details(_ batch: Minibatch) -> [Metric] { objective.details(batch) }
    public func step(_ batch: Minibatch, _ context: StepContext) throws { try context.minimize(objective.loss(batch), by: player) }
}
