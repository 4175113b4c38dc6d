/// What a program that uses a device is at, besides calling its backend. By it a profile tells why the device waits.
public enum Phase: String, CaseIterable, Sendable {
    /// A step of a training loop, apart from the phases within.
    case looping = "in the training loop"
    case reading = "reading a batch"
    /// Finding the program of a graph, its memory and its numbers.
    case starting = "starting a program"
    case compiling
    case reporting
    case evaluating
    case saving = "saving a checkpoint"
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
