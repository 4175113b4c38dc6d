import CLibraries
import SomaBackend

/// The events of launches whose times somebody wants to know.
struct LaunchTimes {
    private struct Noted {
        var event: cl_event
        var log: LaunchLog
        var step: Int
        var name: String
        /// When the host asked for it.
        var asked: Int
    }

    private var noted: [Noted] = []
    /// What the host's clock is ahead of the device's; both go at the same rate.
    private var ahead: Int?

    /// Enqueues a launch and keeps its event.
    mutating func note(
        _ launch: any Launch, ofStep step: Int, in log: LaunchLog, _ enqueue: (UnsafeMutablePointer<cl_event?>) throws(OpenCLError) -> Void
    ) throws(OpenCLError) {
        var event: cl_event?
        let asked = LaunchLog.now
        try enqueue(&event)
        if let event { noted.append(Noted(event: event, log: log, step: step, name: launch.name, asked: asked)) }
    }

    /// Writes the times of all launches, which are done, into their logs.
    mutating func settle() throws(OpenCLError) {
        defer { noted.removeAll() }
        defer { for launch in noted { _ = cl.pointee.clReleaseEvent(launch.event) } }
        for launch in noted {
            let offset: Int
            if let ahead { offset = ahead } else { offset = launch.asked - (try time(launch.event, CL_PROFILING_COMMAND_QUEUED)) }
            ahead = offset
            let (start, end) = (try time(launch.event, CL_PROFILING_COMMAND_START), try time(launch.event, CL_PROFILING_COMMAND_END))
            launch.log.append(.init(step: launch.step, name: launch.name, start: start + offset, end: end + offset))
        }
    }

    /// Nanoseconds of the device's clock.
    private func time(_ event: cl_event, _ moment: Int32) throws(OpenCLError) -> Int {
        var nanoseconds: UInt64 = 0
        try check(cl.pointee.clGetEventProfilingInfo(event, cl_profiling_info(moment), 8, &nanoseconds, nil), "clGetEventProfilingInfo")
        return Int(truncatingIfNeeded: nanoseconds)
    }
}
