import Soma
import SomaBackend

/// What some training steps spent their time on.
struct StepProfile {
    /// All launches of equal steps, or of a kernel.
    struct Row {
        let name: String
        private(set) var kernels: [String] = []
        private(set) var launchCount = 0
        private(set) var seconds = 0.0
        private(set) var work = Work()
        /// The least seconds that the work can take by the device's measured limits; `nil` where these are not known.
        private(set) var floor: Double?

        init(name: String) { self.name = name }

        mutating func add(_ step: Step, _ kernel: String, _ event: Timeline.Event, _ limits: DevicePeaks?) {
            if !kernels.contains(kernel) { kernels.append(kernel) }
            launchCount += 1
            seconds += Double(event.duration) / 1e9
            // The work of a step that takes several launches is that of them all.
            guard event.carriesWork else { return }
            let own = step.work
            work.operations += own.operations
            work.bytesRead += own.bytesRead
            work.bytesWritten += own.bytesWritten
            if let least = limits?.floor(of: own) { floor = (floor ?? 0) + least.seconds }
        }

        var bytes: Double { work.bytesRead + work.bytesWritten }
        /// Of what the device can do; `nil` where that is not known.
        var shareOfLimit: Double? { floor.map { seconds > 0 ? $0 / seconds : 0 } }
    }

    let timeline: Timeline
    let stepCount: Int

    init(_ timeline: Timeline, stepCount: Int) { (self.timeline, self.stepCount) = (timeline, stepCount) }

    var wall: Double { Double(timeline.duration) / 1e9 }
    /// Seconds in which the device ran something, and in which it waited between two launches.
    var busy: Double { Double(timeline.busyAndIdle.busy) / 1e9 }
    var idle: Double { Double(timeline.busyAndIdle.idle) / 1e9 }

    /// Steps that compute the same over the same extents, the costliest first.
    func rows(limits: DevicePeaks?) -> [Row] { rows(limits) { step, _ in step.label } }

    /// Kernels, the costliest first.
    func kernelRows() -> [Row] { rows(nil) { _, kernel in kernel } }

    private func rows(_ limits: DevicePeaks?, by name: (Step, String) -> String) -> [Row] {
        var rows: [String: Row] = [:]
        for event in timeline.launches {
            guard case .launch(let step, let kernel, _) = event.kind else { continue }
            let name = name(step, kernel)
            rows[name, default: Row(name: name)].add(step, kernel, event, limits)
        }
        return rows.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }

    /// Seconds that the host spent in calls of each kind, and how many there were.
    var hostCalls: [(name: String, count: Int, seconds: Double)] {
        var calls: [String: (count: Int, nanoseconds: Int)] = [:]
        for event in timeline.events where event.thread > 0 {
            calls[event.name, default: (0, 0)].count += 1
            calls[event.name, default: (0, 0)].nanoseconds += event.duration
        }
        return calls.map { ($0.key, $0.value.count, Double($0.value.nanoseconds) / 1e9) }.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }
}

extension Timeline.Event {
    /// What happened, in a word or, of a step, a few.
    var name: String {
        switch kind {
        case .launch(let step, _, _): step.label
        case .enqueue: "enqueue"
        case .prepare: "prepare"
        case .upload: "upload"
        case .download: "download"
        case .wait: "wait"
        }
    }
}
