import Soma
import SomaBackend

/// A timeline in the Trace Event Format, which chrome://tracing and Perfetto open.
enum ChromeTrace {
    /// One object with an array of complete events, times in microseconds from the beginning of the timeline.
    static func text(_ timeline: Timeline, device: String) -> String {
        let threads = Set(timeline.events.map(\.thread)).sorted()
        let names = [name("process_name", device, thread: 0)]
            + threads.map { name("thread_name", $0 == 0 ? device : "host thread \($0)", thread: $0) }
        let events = timeline.events.map { object($0, from: timeline.start) }
        let trace: JSON = ["displayTimeUnit": "ms", "traceEvents": .array(names + events)]
        return trace.description + "\n"
    }

    private static func name(_ kind: String, _ name: String, thread: Int) -> JSON {
        ["name": .string(kind), "ph": "M", "pid": 1, "tid": JSON(thread), "args": ["name": .string(name)]]
    }

    private static func object(_ event: Timeline.Event, from start: Int) -> JSON {
        [
            "name": .string(event.name), "cat": event.thread == 0 ? "device" : "host", "ph": "X", "pid": 1, "tid": JSON(event.thread),
            "ts": JSON(Double(event.start - start) / 1e3), "dur": JSON(Double(event.duration) / 1e3), "args": arguments(event),
        ]
    }

    private static func arguments(_ event: Timeline.Event) -> JSON {
        switch event.kind {
        case .launch(let step, let kernel, let number):
            // The work of a step that takes several launches is that of them all: sums over events count it once.
            let work = event.carriesWork ? step.work : Work()
            return [
                "kernel": .string(kernel), "launch": JSON(number), "operations": JSON(work.operations), "bytes read": JSON(work.bytesRead),
                "bytes written": JSON(work.bytesWritten),
            ]
        case .enqueue(let count): return ["steps": JSON(count)]
        case .prepare(let step): return ["step": .string(step.label)]
        case .upload(let count), .download(let count): return ["bytes": JSON(count)]
        case .wait: return [:]
        }
    }
}
