import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A backend that passes everything on to another one and, between `start` and `stop`, records what happened when.
///
/// Where nobody profiles there is no such backend, and nothing that costs time.
public final class ProfilingBackend: Backend {
    /// The backend that does the work.
    public let base: any Backend

    private struct Record {
        var start: Int?
        var events: [Timeline.Event] = []
        var runs: [(log: LaunchLog, steps: [ProfiledStep])] = []
        /// The host's threads, in the order in which they first called.
        var threads: [UInt] = []
    }
    private let record = Mutex(Record())

    private final class ProfiledStep: PreparedStep, @unchecked Sendable {
        let record: StepRecord
        let base: PreparedStep
        init(_ record: StepRecord, _ base: PreparedStep) { (self.record, self.base) = (record, base) }
    }

    /// Steps that `base` prepared before cannot be enqueued here: enqueuing one traps.
    public init(_ base: any Backend) { self.base = base }

    // MARK: Recording

    /// Begins a timeline, once the device has done what it was given so far. The calling thread is the first in it.
    /// - Throws: `BackendError`.
    public func start() throws {
        try base.synchronize()
        record.withLock { $0 = Record(start: LaunchLog.now, threads: [Self.thread]) }
    }

    /// Ends the timeline, once the device has done what it was given.
    /// - Throws: `BackendError`.
    public func stop() throws -> Timeline {
        try noting(.wait) { try base.synchronize() }
        let end = LaunchLog.now
        let record = record.withLock { record in
            defer { record = Record() }
            return record
        }
        let launches = record.runs.flatMap { Self.events($0.log, $0.steps) }
        return Timeline(record.events + launches, start: record.start ?? end, end: end)
    }

    private static func events(_ log: LaunchLog, _ steps: [ProfiledStep]) -> [Timeline.Event] {
        var counts = [Int](repeating: 0, count: steps.count)
        return log.launches.map { launch in
            defer { counts[launch.step] += 1 }
            let record = steps[launch.step].record
            let kernel = launch.name.isEmpty ? record.step.name : launch.name
            return Timeline.Event(
                kind: .launch(record, kernel: kernel, number: counts[launch.step], work: launch.work ?? record.work), start: launch.start,
                end: launch.end)
        }
    }

    private var isRecording: Bool { record.withLock { $0.start != nil } }

    private static var thread: UInt { UInt(pthread_self()) }

    private func noting<Result>(_ kind: @autoclosure () -> Timeline.Event.Kind, _ call: () throws -> Result) rethrows -> Result {
        let start = LaunchLog.now
        let result = try call()
        let (end, thread) = (LaunchLog.now, Self.thread)
        record.withLock { record in
            // What another thread was at when the timeline began is seen from there on.
            guard let beginning = record.start else { return }
            if !record.threads.contains(thread) { record.threads.append(thread) }
            let number = (record.threads.firstIndex(of: thread) ?? 0) + 1
            record.events.append(Timeline.Event(kind: kind(), start: max(start, beginning), end: end, thread: number))
        }
        return result
    }

    public func noting<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result { try noting(.phase(phase), body) }

    // MARK: What is passed on

    public var device: DeviceDescription { base.device }
    public var capabilities: Capabilities { base.capabilities }
    public var arithmetic: [String: String] { base.arithmetic }
    public var remark: String? { base.remark }
    public var memory: MemoryUse { base.memory }
    public func forgetPeak() { base.forgetPeak() }
    public func allocate(byteCount: Int) throws -> Buffer { try base.allocate(byteCount: byteCount) }

    public func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws {
        try noting(.upload(byteCount: source.count)) { try base.upload(source, to: target) }
    }

    public func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
        try noting(.download(byteCount: target.count)) { try base.download(source, into: target) }
    }

    public func prepare(_ step: Step) throws -> PreparedStep {
        var record = StepRecord(step)
        return try noting(.prepare(record)) {
            let prepared = try base.prepare(step)
            if let choice = (base as? any TunableBackend)?.choice(of: prepared) { record = StepRecord(step, choice) }
            return ProfiledStep(record, prepared)
        }
    }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
        let profiled = steps.compactMap { $0 as? ProfiledStep }
        precondition(profiled.count == steps.count, "a step of another device")
        guard isRecording else { return try base.enqueue(profiled.map(\.base), bindings) }
        let log = LaunchLog()
        try noting(.enqueue(stepCount: steps.count)) { try base.enqueue(profiled.map(\.base), bindings, noting: log) }
        record.withLock { $0.runs.append((log, profiled)) }
    }

    public func synchronize() throws { try noting(.wait) { try base.synchronize() } }

    /// How a step is computed, where `base` is a `TunableBackend`; else nil.
    public func choice(of step: PreparedStep) -> ChoiceInUse? { (step as? ProfiledStep)?.record.choice }

    public func sourceText(of step: PreparedStep) -> String? { (step as? ProfiledStep).flatMap { base.sourceText(of: $0.base) } }
}
