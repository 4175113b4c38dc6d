/// Whether a graph is built to train or to predict; read by layers that differ, such as `Dropout`.
public enum Mode: Sendable {
    case training, inference

    @TaskLocal private static var chosen = Mode.inference

    /// That of the innermost `withTraining` or `withInference`; inference outside of any.
    public static var current: Mode { chosen }

    static func choosing<Result>(_ mode: Mode, _ body: () throws -> Result) rethrows -> Result {
        try $chosen.withValue(mode, operation: body)
    }
}

/// Runs `body` with layers behaving as in training: dropout drops, statistics are taken from the batch.
@discardableResult
public func withTraining<Result>(_ body: () throws -> Result) rethrows -> Result { try Mode.choosing(.training, body) }

/// Runs `body` with layers behaving as in prediction.
@discardableResult
public func withInference<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Mode.choosing(.inference, body)
}
