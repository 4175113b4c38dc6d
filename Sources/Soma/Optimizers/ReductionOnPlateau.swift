import SomaGraph

/// Multiplies the learning rate by a factor where a figure has not improved for some epochs, as PyTorch's `ReduceLROnPlateau` does.
///
/// It is one of a `Trainer`'s options and works on top of each optimiser's schedule. Checkpoints keep its state, so that a run that is resumed
/// goes on with the same bits.
public struct ReductionOnPlateau: Hashable, Sendable {
    /// Which figure is watched: one of the evaluation, else a loss of training by its name; nil for the task's criterion or, without data to evaluate
    /// on, the first loss.
    public var figure: String?
    /// What the rate is multiplied by, less than 1.
    public var factor: Double
    /// Epochs in a row without an improvement that are let pass; the next one reduces the rate.
    public var patience: Int
    /// By how much a value must be better to count.
    public var threshold: Threshold
    /// Epochs after a reduction that do not count.
    public var cooldown: Int
    /// No rate is reduced below this.
    public var leastRate: Double

    /// What counts as better.
    public enum Threshold: Hashable, Sendable {
        /// By this share of the best value's magnitude. PyTorch's is a share of the value, which for negative ones lets worse values count.
        case relative(Double)
        /// By this much.
        case absolute(Double)
    }

    /// Multiplies rates by `factor` where a figure has not improved for more than `patience` epochs. Traps where a number is out of range.
    /// - Parameter figure: see `figure`; the other defaults are PyTorch's.
    public init(
        of figure: String? = nil, by factor: Double = 0.1, patience: Int = 10, threshold: Threshold = .relative(1e-4), cooldown: Int = 0,
        leastRate: Double = 0
    ) {
        guard (0..<1).contains(factor), patience >= 0, cooldown >= 0, leastRate >= 0 else {
            programError("ReductionOnPlateau", "factor \(factor), patience \(patience), cooldown \(cooldown), least rate \(leastRate)")
        }
        (self.figure, self.factor, self.patience) = (figure, factor, patience)
        (self.threshold, self.cooldown, self.leastRate) = (threshold, cooldown, leastRate)
    }

    /// What is remembered from epoch to epoch.
    struct State: Hashable, Sendable {
        var best: Double?
        var badEpochs = 0
        var cooldown = 0
        /// How often the rate was reduced.
        var reductions = 0
    }

    /// Takes in the value of an epoch.
    /// - Parameter isHigherBetter: whether greater values are better.
    func note(_ value: Double, isHigherBetter: Bool, _ state: inout State) {
        if isBetter(value, than: state.best, isHigherBetter) {
            (state.best, state.badEpochs) = (value, 0)
        } else {
            state.badEpochs += 1
        }
        if state.cooldown > 0 { (state.cooldown, state.badEpochs) = (state.cooldown - 1, 0) }
        guard state.badEpochs > patience else { return }
        state.reductions += 1
        (state.cooldown, state.badEpochs) = (cooldown, 0)
    }

    private func isBetter(_ value: Double, than best: Double?, _ isHigherBetter: Bool) -> Bool {
        guard let best else { return value.isFinite }
        let margin = switch threshold {
        case .relative(let share): share * best.magnitude
        case .absolute(let amount): amount
        }
        return isHigherBetter ? value > best + margin : value < best - margin
    }

    /// What has become of a rate after so many reductions.
    func reduced(_ rate: Double, times count: Int) -> Double {
        var reduced = rate
        // One by one, as each is rounded; a count from a file may be large.
        for _ in 0..<count {
            let next = max(reduced * factor, min(leastRate, reduced))
            if next == reduced { break }
            reduced = next
        }
        return reduced
    }
}
