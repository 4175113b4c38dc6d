/// What a device and its host did over a while, and when.
public struct Timeline: Sendable {
    public struct Event: Sendable {
        public enum Kind: Sendable {
            /// On the device: the launch of that number of a step, under the device's own name for it.
            case launch(Step, kernel: String, number: Int)
            // On the host: calls of the backend, each until it returned.
            case enqueue(stepCount: Int)
            case prepare(Step)
            case upload(byteCount: Int)
            case download(byteCount: Int)
            case wait
        }

        public var kind: Kind
        /// Nanoseconds by the clock of the timeline.
        public var start, end: Int
        /// Which of the host's threads called; 0 for what ran on the device.
        public var thread: Int
        /// Of a launch: whether its step's work is put down to it, so that sums over launches count it once. It is to the longest.
        public var carriesWork: Bool

        public var duration: Int { end - start }

        public init(kind: Kind, start: Int, end: Int, thread: Int = 0, carriesWork: Bool = true) {
            (self.kind, self.start, self.end, self.thread, self.carriesWork) = (kind, start, end, thread, carriesWork)
        }
    }

    /// In the order in which they began.
    public var events: [Event]
    public var start, end: Int

    public init(_ events: [Event], start: Int, end: Int) {
        self.events = events.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        (self.start, self.end) = (start, end)
    }

    /// Nanoseconds of all of it.
    public var duration: Int { end - start }

    public var launches: [Event] {
        events.filter { if case .launch = $0.kind { true } else { false } }
    }

    /// Nanoseconds for which something ran on the device, and for which nothing did between its first launch and its last.
    public var busyAndIdle: (busy: Int, idle: Int) {
        var (busy, idle) = (0, 0)
        var reached: Int?
        for launch in launches {
            let from = max(launch.start, reached ?? launch.start)
            idle += from - (reached ?? from)
            busy += max(0, launch.end - from)
            reached = max(reached ?? launch.end, launch.end)
        }
        return (busy, idle)
    }
}
