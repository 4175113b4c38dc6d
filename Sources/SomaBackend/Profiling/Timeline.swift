/// A step that was made ready, and what is told of each of its launches.
public final class StepRecord: Sendable {
    public let step: Step
    public let label: String
    public let work: Work
    /// How it is computed, where there is more than one way.
    public let choice: ChoiceInUse?

    public init(_ step: Step, _ choice: ChoiceInUse? = nil) { (self.step, label, work, self.choice) = (step, step.label, step.work, choice) }
}

/// What a device and its host did over a while, and when.
public struct Timeline: Sendable {
    public struct Event: Sendable {
        public enum Kind: Sendable {
            /// On the device: the launch of that number of a step, under the device's own name for it, and what it does itself.
            case launch(StepRecord, kernel: String, number: Int, work: Work)
            // On the host: calls of the backend, each until it returned.
            case enqueue(stepCount: Int)
            case prepare(StepRecord)
            case upload(byteCount: Int)
            case download(byteCount: Int)
            case wait
            /// On the host: what the calls within belong to.
            case phase(Phase)
        }

        public var kind: Kind
        /// Nanoseconds by the clock of the timeline.
        public var start, end: Int
        /// Which of the host's threads it was: 1 for the one that began the timeline; 0 for what ran on the device.
        public var thread: Int

        public var duration: Int { end - start }

        public init(kind: Kind, start: Int, end: Int, thread: Int = 0) {
            (self.kind, self.start, self.end, self.thread) = (kind, start, end, thread)
        }
    }

    /// In the order in which they began, what contains others before these.
    public let events: [Event]
    public let start, end: Int

    public init(_ events: [Event], start: Int, end: Int) {
        self.events = events.sorted { ($0.start, -$0.end) < ($1.start, -$1.end) }
        (self.start, self.end) = (start, end)
    }

    /// Nanoseconds of all of it.
    public var duration: Int { end - start }

    public var launches: [Event] { events.filter { $0.thread == 0 } }
}

extension Timeline.Event {
    /// What happened, in a word or, of a step, a few.
    public var name: String {
        switch kind {
        case .launch(let record, _, _, _): record.label
        case .enqueue: "enqueueing"
        case .prepare: "preparing a step"
        case .upload: "uploading"
        case .download: "reading back"
        case .wait: "waiting"
        case .phase(let phase): phase.rawValue
        }
    }

    var phase: Phase? { if case .phase(let phase) = kind { phase } else { nil } }
}
