import Soma

/// Update rules by name.
enum Rule: String, SettingChoice {
    case adam, adamw, sgd, momentum, nesterov, rmsprop

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

    func schedule(_ rate: Double, over updates: Int) -> Schedule {
        switch self {
        case .constant: .constant(rate)
        case .linear: .linear(from: rate, over: max(updates, 1))
        case .cosine: .cosine(from: rate, over: max(updates, 1))
        }
    }
}
