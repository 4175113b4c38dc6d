/// What a program is doing besides calling its backend, so that a profile can tell why the device waits.
public enum Phase: String, CaseIterable, Sendable {
    /// A step of a training loop, apart from the phases within.
    case looping = "in the training loop"
    /// Waiting for the loader's next batch.
    case reading = "reading a batch"
    /// Finding the program of a graph, its memory and its numbers.
    case starting = "starting a program"
    /// Making a program of a graph that was not seen before, or capturing a step.
    case compiling
    /// Printing progress and writing metrics.
    case reporting
    /// Measuring the model on other samples.
    case evaluating
    /// Writing a checkpoint.
    case saving = "saving a checkpoint"
    /// Making layers and their first weights.
    case building = "building a model"

    /// Whether it comes between training steps, so that launches within are none of theirs.
    var isBetweenSteps: Bool {
        switch self {
        case .evaluating, .saving, .building: true
        case .looping, .reading, .starting, .compiling, .reporting: false
        }
    }
}

extension Backend {
    public func noting<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result { try body() }
}
