import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A backend that passes everything on to another and, while it is asked to, takes down what happened when.
///
/// Where nobody profiles there is no such backend, and nothing that costs time.
public final class ProfilingBackend: Backend {
    public let base: any Backend

    private struct Record {
        var start: Int?
        var events: [Timeline.Event] = []
        var runs: [(log: LaunchLog, steps: [Step])] = []
        /// The host's threads, in the order in which they first called.
        var threads: [UInt] = []
    }
    private let record = Mutex(Record())

    private final class ProfiledStep: PreparedStep, @unchecked Sendable {
        let step: Step
        let base: PreparedStep
        init(_ step: Step, _ base: PreparedStep) { (self.step, self.base) = (step, base) }
    }

    public init(_ base: any Backend) { self.base = base }

    // MARK: Recording

    /// Begins a timeline, once the device has done what it was given so far.
    /// - Throws: `BackendError`.
    public func start() throws {
        try base.synchronize()
        record.withLock { $0 = Record(start: LaunchLog.now) }
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
        let launches = record.runs.flatMap { events($0.log, $0.steps) }
        return Timeline(record.events + launches, start: record.start ?? end, end: end)
    }

    private func events(_ log: LaunchLog, _ steps: [Step]) -> [Timeline.Event] {
        var counts = [Int](repeating: 0, count: steps.count)
        let launches = log.launches
        let longest = Dictionary(launches.indices.map { (launches[$0].step, $0) }) { one, other in
            launches[other].end - launches[other].start > launches[one].end - launches[one].start ? other : one
        }
        return launches.enumerated().map { place, launch in
            defer { counts[launch.step] += 1 }
            let step = steps[launch.step]
            let name = launch.name.isEmpty ? step.name : launch.name
            return Timeline.Event(
                kind: .launch(step, kernel: name, number: counts[launch.step]), start: launch.start, end: launch.end,
                carriesWork: longest[launch.step] == place)
        }
    }

    private var isRecording: Bool { record.withLock { $0.start != nil } }

    private func noting<Result>(_ kind: Timeline.Event.Kind, _ call: () throws -> Result) rethrows -> Result {
        let start = LaunchLog.now
        let result = try call()
        let (end, thread) = (LaunchLog.now, UInt(pthread_self()))
        record.withLock { record in
            guard record.start != nil else { return }
            if !record.threads.contains(thread) { record.threads.append(thread) }
            let number = (record.threads.firstIndex(of: thread) ?? 0) + 1
            record.events.append(Timeline.Event(kind: kind, start: start, end: end, thread: number))
        }
        return result
    }

    // MARK: What is passed on

    public var device: DeviceDescription { base.device }
    public var capabilities: Capabilities { base.capabilities }
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
        try noting(.prepare(step)) { ProfiledStep(step, try base.prepare(step)) }
    }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
        let profiled = steps.compactMap { $0 as? ProfiledStep }
        precondition(profiled.count == steps.count, "a step of another device")
        guard isRecording else { return try base.enqueue(profiled.map(\.base), bindings) }
        let log = LaunchLog()
        try noting(.enqueue(stepCount: steps.count)) { try base.enqueue(profiled.map(\.base), bindings, noting: log) }
        record.withLock { $0.runs.append((log, profiled.map(\.step))) }
    }

    public func synchronize() throws { try noting(.wait) { try base.synchronize() } }

    public func sourceText(of step: PreparedStep) -> String? { (step as? ProfiledStep).flatMap { base.sourceText(of: $0.base) } }
}
