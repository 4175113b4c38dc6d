/// A device that can compute some steps in more than one way, and be told which is fastest there. Optional.
///
/// Steps that one choice serves are a class. Classes and choices are text, which means something to the backend alone.
public protocol TunableBackend: Backend {
    /// The class of a step; `nil` where there is nothing to choose.
    func tuningClass(of step: Step) -> String?
    /// All choices for a step: first the one that it gets untuned, then those most like it.
    func candidates(for step: Step) -> [String]
    /// Makes a step ready to be computed by a choice.
    /// - Throws: `BackendError`; for a choice that cannot be used here `unsupported`.
    func prepare(_ step: Step, by choice: String) throws -> PreparedStep

    /// How a step that was prepared is computed; `nil` where there is one way.
    func choice(of step: PreparedStep) -> ChoiceInUse?

    /// What is in use.
    var tuning: TuningRecord { get }
    /// Keeps choices by class and leaves those of other classes as they are; `nil` forgets one. The device uses them from its next start on.
    /// - Returns: the file.
    /// - Throws: `TuningFailure`.
    func keep(_ changes: [String: String?]) throws -> String
    /// Finds out whether choices could be kept.
    /// - Throws: `TuningFailure`.
    func checkKeeping() throws
}

/// How a step is computed.
public struct ChoiceInUse: Hashable, Sendable {
    /// The class of the step, and the choice in use for it; see `TunableBackend`.
    public var stepClass, choice: String
    /// Whether it was measured to be the fastest on this device; otherwise it is the choice that ships.
    public var isTuned: Bool

    /// Both texts as the backend writes them.
    public init(stepClass: String, choice: String, isTuned: Bool) { (self.stepClass, self.choice, self.isTuned) = (stepClass, choice, isTuned) }
}

/// Choices of how to compute steps that were measured on a device.
public struct TuningRecord: Hashable, Sendable {
    /// The device and its driver, in one line.
    public var device: String
    /// By class.
    public var choices: [String: String]

    /// The texts are checked where a backend reads them.
    public init(device: String, choices: [String: String] = [:]) { (self.device, self.choices) = (device, choices) }
}

/// What there is of choices that were measured earlier.
public enum TuningState: Hashable, Sendable {
    /// A file with so many choices is used.
    case used(path: String, count: Int)
    /// A file cannot be used.
    case ignored(path: String, reason: String)
}

/// Why choices cannot be read or kept.
public struct TuningFailure: Error, Equatable, CustomStringConvertible {
    /// The file, or what else tells where they are; empty where there is no place for them.
    public let path: String
    /// What is wrong and, where something helps, what to do.
    public let reason: String

    /// An empty path stands for no place at all.
    public init(path: String, reason: String) { (self.path, self.reason) = (path, reason) }

    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
