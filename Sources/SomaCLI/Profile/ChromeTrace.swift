import Soma
import SomaBackend

/// A timeline in the Trace Event Format, which chrome://tracing and Perfetto open.
///
/// Events of one row must lie apart or one within the other, so launches that overlap get rows of their own.
struct ChromeTrace {
    private let timeline: Timeline
    private let device: String
    /// The rows of launches, in the order of these, and how many rows these are.
    private let lanes: [Int]
    private let laneCount: Int

    init(_ timeline: Timeline, device: String) {
        (self.timeline, self.device) = (timeline, device)
        var ends: [Int] = []
        lanes = timeline.launches.map { launch in
            let lane = ends.firstIndex { $0 <= launch.start } ?? ends.count
            if lane == ends.count { ends.append(launch.end) } else { ends[lane] = launch.end }
            return lane
        }
        laneCount = max(1, ends.count)
    }

    /// One object with the rows' names and then complete events by their beginning, times in microseconds from that of the timeline.
    var text: String {
        var launches = lanes.makeIterator()
        let events = timeline.events.map { event in object(event, row: event.thread == 0 ? 1 + (launches.next() ?? 0) : laneCount + event.thread) }
        let trace: JSON = ["displayTimeUnit": "ms", "traceEvents": .array(names + events)]
        return trace.description + "\n"
    }

    /// Rows are threads to those who read the format; none has the number 0, which is the idle thread of Linux.
    private var names: [JSON] {
        let threads = Set(timeline.events.map(\.thread)).union([1]).subtracting([0]).sorted()
        let rows = (1...laneCount).map { ($0, $0 == 1 ? "launches" : "launches at the same time \($0 - 1)") }
            + threads.map { (laneCount + $0, $0 == 1 ? "training" : "host thread \($0)") }
        return [metadata("process_name", row: 1, ["name": .string("soma on \(device)")])]
            + rows.flatMap { [metadata("thread_name", row: $0, ["name": .string($1)]), metadata("thread_sort_index", row: $0, ["sort_index": JSON($0)])] }
    }

    private func metadata(_ kind: String, row: Int, _ arguments: JSON) -> JSON {
        ["name": .string(kind), "ph": "M", "pid": 1, "tid": JSON(row), "args": arguments]
    }

    private func object(_ event: Timeline.Event, row: Int) -> JSON {
        [
            "name": .string(event.name), "cat": event.thread == 0 ? "device" : "host", "ph": "X", "pid": 1, "tid": JSON(row),
            "ts": JSON(Double(event.start - timeline.start) / 1e3), "dur": JSON(Double(event.duration) / 1e3), "args": arguments(event),
        ]
    }

    private func arguments(_ event: Timeline.Event) -> JSON {
        switch event.kind {
        case .launch(let record, let kernel, let number, let work):
            .object([
                .init("kernel", .string(kernel)), .init("launch", JSON(number)), .init("operations", JSON(work.operations)),
                .init("bytes read", JSON(work.bytesRead)), .init("bytes written", JSON(work.bytesWritten)),
            ] + (record.choice.map { [.init("class", .string($0.stepClass)), .init("choice", .string($0.choice))] } ?? []))
        case .enqueue(let count): ["steps": JSON(count)]
        case .prepare(let record): ["step": .string(record.label)]
        case .upload(let count), .download(let count): ["bytes": JSON(count)]
        case .wait, .phase: [:]
        }
    }
}
