import Synchronization

/// When launches ran, as a backend notes it; see `Backend.enqueue(_:_:noting:)`.
public final class LaunchLog: Sendable {
    /// A kernel, or whatever else a step consists of on its device.
    public struct Launch: Hashable, Sendable {
        /// The place of its step among those that were enqueued.
        public var step: Int
        /// What the device calls it; empty where it has no name for it but the step's.
        public var name: String
        /// What it moves and computes itself, where its step takes several launches; `nil` for the one that does the step's work.
        public var work: Work?
        /// When it began and ended, by `now`.
        public var start, end: Int

        /// Times are nanoseconds of `LaunchLog.now`.
        public init(step: Int, name: String = "", work: Work? = nil, start: Int, end: Int) {
            (self.step, self.name, self.work, self.start, self.end) = (step, name, work, start, end)
        }
    }

    private let noted = Mutex<[Launch]>([])

    /// An empty log.
    public init() {}

    /// Adds a launch; may be called from any thread.
    public func append(_ launch: Launch) { noted.withLock { $0.append(launch) } }

    /// All launches so far, in the order in which they were added.
    public var launches: [Launch] { noted.withLock { $0 } }

    private static let origin = ContinuousClock.now

    /// Nanoseconds since some moment of this process, never going back.
    public static var now: Int {
        let (seconds, attoseconds) = (ContinuousClock.now - origin).components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }
}

extension Backend {
    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
        try enqueueOneByOne(steps, bindings, noting: log)
    }

    /// Runs steps and waits for each, for devices that tell no times: these then include the waiting.
    public func enqueueOneByOne(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws {
        try synchronize()
        for (place, step) in steps.enumerated() {
            let start = LaunchLog.now
            try enqueue([step], bindings)
            try synchronize()
            log.append(.init(step: place, start: start, end: LaunchLog.now))
        }
    }
}
