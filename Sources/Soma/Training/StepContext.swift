import SomaGraph

/// How a task carries out its step: it moves players and reports losses.
public final class StepContext {
    /// What a step is built for.
    enum Purpose {
        /// To move players.
        case update
        /// To add up the gradient of a part of a batch.
        case part(GradientAccumulation, GradientAccumulation.Part)
        /// To look at its losses; nobody is moved.
        case look
    }

    /// Which of the task's turns this step is, by name: the step may decide by it.
    public let turn: String
    private let purpose: Purpose
    private let watch: LossWatch
    private let sampleCount: Int
    /// What the step has told of so far.
    private(set) var losses: [(name: String, value: Tensor)] = []
    /// What players were to minimise.
    private(set) var minimized: [(optimizer: Optimizer, loss: Tensor)] = []

    init(_ watch: LossWatch, turn: String, sampleCount: Int, for purpose: Purpose) {
        (self.watch, self.turn, self.sampleCount, self.purpose) = (watch, turn, sampleCount, purpose)
    }

    /// Moves a player's parameters against the gradient of a loss.
    /// - Parameters:
    ///   - loss: of rank 0; a mean over the samples of the minibatch.
    ///   - name: which of the task's losses it is; nil: the player's own.
    /// - Throws: `BackendError`.
    public func minimize(
        _ loss: Tensor, by player: Player, as name: String? = nil, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        tell(name ?? watch.defaultName(of: player), loss, player.optimizer, file, line)
        minimized.append((player.optimizer, loss))
        switch purpose {
        case .update: try player.optimizer.update(minimizing: loss, file: file, line: line)
        case .part(let accumulation, let part):
            if minimized.count > 1 { refuseParts(file, line) }
            accumulation.add(player.optimizer.flatGradient(of: loss, file: file, line: line), part)
        case .look: break
        }
    }

    /// Moves a player's parameters by gradients of one's own, as of a rule that minimises nothing.
    /// - Parameter gradients: one for each of the optimiser's parameters, in their order.
    /// - Throws: `BackendError`.
    public func apply(
        _ gradients: consuming [Tensor], by player: Player, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        switch purpose {
        case .update: try player.optimizer.update(with: gradients, file: file, line: line)
        case .part: refuseParts(file, line)
        case .look: break
        }
    }

    /// Tells of a number that is watched as a loss is: its mean over the samples is reported, and where it is not finite training ends.
    /// - Parameter value: of rank 0, a mean over the samples of the minibatch.
    public func tell(_ name: String, _ value: Tensor, file: StaticString = #fileID, line: UInt = #line) {
        tell(name, value, watch.optimizer, file, line)
    }

    private func tell(_ name: String, _ loss: Tensor, _ optimizer: Optimizer, _ file: StaticString, _ line: UInt) {
        guard loss.shape == .scalar, loss.dtype.isFloatingPoint else {
            let what = losses.isEmpty && watch.names.count == 1 ? "the loss" : "'\(name)'"
            programError(
                "training", "\(what) is \(loss.dtype) \(loss.shape) and not one real number: reduce it with mean() or sum()", file: file, line: line)
        }
        guard let index = watch.names.firstIndex(where: { $0.isExactly(name) }) else {
            programError("training", "'\(name)' is none of the task's losses \(watch.names)", file: file, line: line)
        }
        if losses.contains(where: { $0.name.isExactly(name) }) {
            programError("training", "'\(name)' is told of twice in a step", file: file, line: line)
        }
        losses.append((name, loss))
        if case .look = purpose { return }
        watch.note(loss, index: index, sampleCount: sampleCount, before: optimizer)
    }

    private func refuseParts(_ file: StaticString, _ line: UInt) -> Never {
        programError(
            "training", "a batch in parts (`accumulation`) is for steps that move one player once, by `minimize`", file: file, line: line)
    }
}
