import Soma
import SomaBackend

/// What some training steps spent their time on.
struct StepProfile {
    let timeline: Timeline
    let stepCount: Int
    let parts: TimelineParts

    init(_ timeline: Timeline, stepCount: Int) { (self.timeline, self.stepCount, parts) = (timeline, stepCount, TimelineParts(timeline)) }

    /// Seconds on the clock, and those of them that were the training steps'.
    var wall: Double { Double(timeline.duration) / 1e9 }
    var wallOfStep: Double { wall / Double(stepCount) }
    var stepSeconds: Double { Double(parts.stepTime) / 1e9 }

    /// What the seconds on the clock went to, a name and seconds each: together they are `wall`.
    var spending: [(name: String, seconds: Double)] {
        func sorted(_ parts: [(String, Int)]) -> [(String, Int)] { parts.sorted { ($1.1, $0.0) < ($0.1, $1.0) } }
        let idle = sorted(parts.idle.map { ("nothing runs while \($0)", $1) }) + [(Self.unnamed, parts.unnamed)]
        let apart = sorted(parts.apart.map { ("between steps: \($0.rawValue)", $1) })
        return ([("launches", parts.running)] + idle + apart).map { ($0.0, Double($0.1) / 1e9) }
    }

    static let unnamed = "nothing runs, and no reason is known"

    /// Steps that compute the same over the same extents, the costliest first, each with the work that the computation cannot do without.
    func rows(limits: DevicePeaks?) -> [Row] {
        rows(limits) { record, _ in record.label } work: { record, number, _ in number == 0 ? record.work : Work() }
    }

    /// Kernels, the costliest first, each with what its launches do themselves.
    func kernelRows(limits: DevicePeaks?) -> [Row] { rows(limits) { _, kernel in kernel } work: { _, _, own in own } }

    private func rows(
        _ limits: DevicePeaks?, by name: (StepRecord, _ kernel: String) -> String, work: (StepRecord, _ number: Int, _ own: Work) -> Work
    ) -> [Row] {
        var rows: [String: Row] = [:]
        for event in parts.launches {
            guard case .launch(let record, let kernel, let number, let own) = event.kind else { continue }
            let name = name(record, kernel)
            rows[name, default: Row(name: name)].add(work(record, number, own), kernel, record.choice, seconds: Double(event.duration) / 1e9, limits)
        }
        return rows.values.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }

    /// Seconds that the host's threads spent in calls of the backend of each kind, and how many there were.
    var hostCalls: [(name: String, count: Int, seconds: Double)] {
        var calls: [String: (count: Int, nanoseconds: Int)] = [:]
        for event in timeline.events where event.thread > 0 {
            if case .phase = event.kind { continue }
            calls[event.name, default: (0, 0)].count += 1
            calls[event.name, default: (0, 0)].nanoseconds += event.duration
        }
        return calls.map { ($0.key, $0.value.count, Double($0.value.nanoseconds) / 1e9) }.sorted { ($1.seconds, $0.name) < ($0.seconds, $1.name) }
    }
}

extension StepProfile {
    /// All launches of equal steps, or of a kernel.
    struct Row {
        let name: String
        private(set) var kernels: [String] = []
        /// How the steps are computed, where there is more than one way.
        private(set) var choices: [ChoiceInUse] = []
        private(set) var launchCount = 0
        private(set) var seconds = 0.0
        private(set) var work = Work()
        /// The least seconds that the work can take by the device's measured limits, by which of these says so.
        private var floors: [DevicePeaks.Resource: Double] = [:]

        init(name: String) { self.name = name }

        mutating func add(_ work: Work, _ kernel: String, _ choice: ChoiceInUse?, seconds: Double, _ limits: DevicePeaks?) {
            if let choice, !choices.contains(choice) { choices.append(choice) }
            if !kernels.contains(kernel) { kernels.append(kernel) }
            launchCount += 1
            self.seconds += seconds
            self.work.operations += work.operations
            self.work.bytesRead += work.bytesRead
            self.work.bytesWritten += work.bytesWritten
            if let floor = limits?.floor(of: work) { floors[floor.resource, default: 0] += floor.seconds }
        }

        var bytes: Double { work.bytesRead + work.bytesWritten }

        /// Of what the device can do, and what bounds that, or most of it; `nil` where it is not known, or there is nothing to do.
        var limit: (share: Double, resource: DevicePeaks.Resource)? {
            guard seconds > 0, let most = floors.max(by: { $0.value < $1.value }) else { return nil }
            return (floors.values.reduce(0, +) / seconds, most.key)
        }
    }
}
