#if canImport(Glibc)
    import Glibc
#endif
import Soma

/// Update rules by name.
enum Rule: String, SettingChoice {
    case adam, adamw, sgd, momentum, nesterov, rmsprop

    /// - Parameter cycle: what momentum or β₁ follows; rules with neither stay as they are.
    func rule(decay: Double, cycle: Schedule) -> any UpdateRule {
        switch self {
        case .adam: Adam(beta1Following: cycle, weightDecay: decay)
        case .adamw: AdamW(beta1Following: cycle, weightDecay: decay)
        case .momentum: SGD(momentumFollowing: cycle, weightDecay: decay)
        case .nesterov: SGD(momentumFollowing: cycle, isNesterov: true, weightDecay: decay)
        case .sgd, .rmsprop: rule(decay: decay)
        }
    }

    func rule(decay: Double) -> any UpdateRule {
        switch self {
        case .adam: Adam(weightDecay: decay)
        case .adamw: AdamW(weightDecay: decay)
        case .sgd: SGD(weightDecay: decay)
        case .momentum: SGD(momentum: 0.9, weightDecay: decay)
        case .nesterov: SGD(momentum: 0.9, isNesterov: true, weightDecay: decay)
        case .rmsprop: RMSProp(weightDecay: decay)
        }
    }
}

/// How the learning rate goes from its first value over the updates of a run.
enum Decline: String, SettingChoice {
    case constant, linear, cosine
    /// Cosines over a seventh of the run, two sevenths and four.
    case restarts
    /// A tenth after half of the run, and a hundredth after three quarters.
    case steps
    /// Down to a hundredth, by the same factor each time.
    case exponential
    /// Up from a 25th over three tenths of the run, and down to almost nothing, with momentum going the other way.
    case onecycle
    /// A tenth wherever what tells the best epoch has not improved for a tenth of the run.
    case plateau

    func schedule(_ rate: Double, over updates: Int) -> Schedule {
        switch self {
        case .constant, .plateau: .constant(rate)
        case .linear: .linear(from: rate, over: max(updates, 1))
        case .cosine: .cosine(from: rate, over: max(updates, 1))
        case .restarts: .cosineWithRestarts(from: rate, every: max((updates + 6) / 7, 1), growth: 2)
        case .steps: .milestones(rate, at: Set([updates / 2, updates * 3 / 4]).subtracting([0]).sorted())
        case .exponential: .exponential(rate, by: pow(0.01, 1 / Double(max(updates, 1))))
        case .onecycle: .oneCycle(to: rate, over: max(updates, Self.shortestCycle))
        }
    }

    /// What momentum follows; nil where it stays.
    func momentum(over updates: Int) -> Schedule? { self == .onecycle ? .cycledMomentum(over: max(updates, Self.shortestCycle)) : nil }

    /// What reduces the rate by how training goes; nil where nothing does.
    func plateau(epochs: Int) -> ReductionOnPlateau? { self == .plateau ? ReductionOnPlateau(patience: epochs / 10) : nil }

    /// Fewer updates have no cycle, of which three tenths rise.
    private static let shortestCycle = 8
}
