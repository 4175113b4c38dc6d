/// A step that was made ready, and what is told of each of its launches.
public final class StepRecord: Sendable {
    /// What was prepared.
    public let step: Step
    /// `Step.label`: its kind and its extents.
    public let label: String
    /// The work of the whole step.
    public let work: Work
    /// How it is computed, where there is more than one way.
    public let choice: ChoiceInUse?

    /// Computes the label and the work once, so that noting a launch does not.
    public init(_ step: Step, _ choice: ChoiceInUse? = nil) { (self.step, label, work, self.choice) = (step, step.label, step.work, choice) }
}

/// What a device and its host did over a while, and when.
public struct Timeline: Sendable {
    /// Something that took time, on the device or on the host.
    public struct Event: Sendable {
        /// What took the time.
        public enum Kind: Sendable {
            /// On the device: the launch of that number of a step, under the device's own name for it, and what it does itself.
            case launch(StepRecord, kernel: String, number: Int, work: Work)
            // On the host: calls of the backend, each until it returned.
            /// `Backend.enqueue` with so many steps.
            case enqueue(stepCount: Int)
            /// `Backend.prepare` of a step.
            case prepare(StepRecord)
            /// `Backend.upload` of so many bytes.
            case upload(byteCount: Int)
            /// `Backend.download` of so many bytes, with the waiting for the work before it.
            case download(byteCount: Int)
            /// `Backend.synchronize`.
            case wait
            /// On the host: what the calls within belong to.
            case phase(Phase)
        }

        /// What took the time.
        public var kind: Kind
        /// Nanoseconds by the clock of the timeline.
        public var start, end: Int
        /// Which of the host's threads it was: 1 for the one that began the timeline; 0 for what ran on the device.
        public var thread: Int

        /// Nanoseconds from start to end.
        public var duration: Int { end - start }

        /// `thread` 0 is the device; see `thread`.
        public init(kind: Kind, start: Int, end: Int, thread: Int = 0) {
            (self.kind, self.start, self.end, self.thread) = (kind, start, end, thread)
        }
    }

    /// In the order in which they began; an event comes before those that it contains.
    public let events: [Event]
    /// Nanoseconds by the clock of the timeline, at which it was begun and ended.
    public let start, end: Int

    /// Sorts the events as `events` has them.
    public init(_ events: [Event], start: Int, end: Int) {
        self.events = events.sorted { ($0.start, -$0.end) < ($1.start, -$1.end) }
        (self.start, self.end) = (start, end)
    }

    /// Nanoseconds of all of it.
    public var duration: Int { end - start }

    /// What ran on the device: the events of thread 0.
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
