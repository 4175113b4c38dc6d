import SomaGraph

/// Whether a graph is built to train or to predict; layers that differ, such as `Dropout`, ask for it.
///
/// Outside of `withTraining` and `withInference` layers are built to predict, and four rules keep a model from being trained that way by accident:
/// - the loss in `optimizer.update(minimizing: crossEntropy(model(x), y))`, an expression, is built to train;
/// - a captured step in which an optimiser updates is built to train as a whole;
/// - an update by the gradient of any other loss that passes such a layer ends the program with a line that says so: build the loss within
///   `withTraining { }`, or within `withInference { }` where the layer is meant to stay as it predicts;
/// - what is assigned to a parameter by hand, as in `p.assign(p.tensor - rate * gradient)`, is an update by the gradients it was made from.
///
/// The mode belongs to what a captured step was captured for: it is captured again where it is called in another.
public enum Mode: Sendable {
    /// To train: dropout drops, statistics are taken from the batch.
    case training
    /// To predict: a sample's result does not depend on chance or on the rest of the batch.
    case inference

    @TaskLocal private static var chosen: Mode?

    /// The mode of the innermost `withTraining` or `withInference`; inference outside of any.
    ///
    /// A layer whose value depends on it had better use `choose`, which lets an optimiser know.
    public static var current: Mode {
        if let said { return said }
        Capture.current?.noteQuestionForMode()
        return .inference
    }

    /// The mode that was said, if one was.
    static var said: Mode? { chosen }

    /// What a layer gives that differs in training.
    public static func choose(training: () -> Tensor, inference: () -> Tensor) -> Tensor {
        switch said {
        case .training: return training()
        case .inference: return inference()
        case nil:
            Capture.current?.noteQuestionForMode()
            // A view of the same elements, since the value may be what others hold too.
            return inference().marked([.modeUnsaid, .modeQuestion])
        }
    }

    static func choosing<Result>(_ mode: Mode, _ body: () throws -> Result) rethrows -> Result {
        try $chosen.withValue(mode, operation: body)
    }

    /// Runs `body` to train where nothing has said what for.
    static func impliedTraining<Result>(_ body: () throws -> Result) rethrows -> Result {
        try choosing(said ?? .training, body)
    }
}

/// Runs `body` with layers behaving as in training: dropout drops, statistics are taken from the batch.
@discardableResult
public func withTraining<Result>(_ body: () throws -> Result) rethrows -> Result { try Mode.choosing(.training, body) }

/// Runs `body` with layers behaving as in prediction, also within a step that trains: a frozen part of a model, a teacher.
@discardableResult
public func withInference<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Mode.choosing(.inference, body)
}

/// A captured step turned out to train after layers were built to predict: it is captured again in training.
struct TrainingImplied: Error {}

extension Mode {
    /// Called where weights are about to be moved by `gradient`.
    /// - Throws: `TrainingImplied` in a captured step.
    static func requireForUpdate(_ gradient: Tensor, _ file: StaticString, _ line: UInt) throws {
        if let capture = Capture.current {
            if said == nil && capture.recorded.asksForMode { throw capture.implyingTraining() }
        }
        requireSaid(for: gradient, "update", "the loss went", file, line)
    }

    /// Called where `value` is about to be assigned to a parameter by hand. A captured step is then captured again in training once its body
    /// has ended, as with an optimiser, if it is from within that the gradient comes.
    static func requireForAssignment(_ value: Tensor, _ file: StaticString, _ line: UInt) {
        guard value.node.traits.contains(.gradientOfModeUnsaid) else { return }
        if said == nil, let capture = Capture.current, capture.recorded.asksForMode {
            _ = capture.implyingTraining()
            return
        }
        requireSaid(for: value, "assign", "the value is made of a gradient, whose loss went", file, line)
    }

    private static func requireSaid(for value: Tensor, _ operation: String, _ what: String, _ file: StaticString, _ line: UInt) {
        guard value.node.traits.contains(.gradientOfModeUnsaid) else { return }
        programError(
            operation,
            "\(what) through a layer that differs in training, such as Dropout or BatchNorm, and nothing had said what for: "
                + "build it within withTraining { }, or within withInference { } where the layer is to stay as it predicts",
            file: file, line: line)
    }
}
