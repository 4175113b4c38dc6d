import CLibraries
import SomaBackend

/// The events of launches whose times somebody wants to know.
struct LaunchTimes {
    private struct Noted {
        var event: cl_event
        var log: LaunchLog
        var step: Int
        var name: String
        var work: Work?
        /// When the host asked for it.
        var asked: Int
    }

    private var noted: [Noted] = []
    /// By how much, as far as is known; both clocks go at the same rate.
    private var ahead = Int.min

    /// Enqueues a launch and keeps its event.
    /// - Parameter work: what the launch cannot do without, where that is neither the whole step's nor told by the launch.
    mutating func note(
        _ launch: any Launch, ofStep step: Int, _ work: Work?, in log: LaunchLog, _ enqueue: (UnsafeMutablePointer<cl_event?>) throws(OpenCLError) -> Void
    ) throws(OpenCLError) {
        var event: cl_event?
        let asked = LaunchLog.now
        try enqueue(&event)
        if let event { noted.append(Noted(event: event, log: log, step: step, name: launch.name, work: launch.work ?? work, asked: asked)) }
    }

    /// Writes the times of all launches, which are done, into their logs.
    ///
    /// No command is queued before it was asked for: the largest difference of the two moments is nearest to what the host's clock is ahead of the
    /// device's, and with it no launch begins before it was asked for, nor ends after the host saw its end.
    mutating func settle() throws(OpenCLError) {
        defer { noted.removeAll() }
        defer { for launch in noted { _ = cl.pointee.clReleaseEvent(launch.event) } }
        for launch in noted { ahead = max(ahead, launch.asked - (try time(launch.event, CL_PROFILING_COMMAND_QUEUED))) }
        for launch in noted {
            let (start, end) = (try time(launch.event, CL_PROFILING_COMMAND_START), try time(launch.event, CL_PROFILING_COMMAND_END))
            launch.log.append(.init(step: launch.step, name: launch.name, work: launch.work, start: start + ahead, end: end + ahead))
        }
    }

    /// Nanoseconds of the device's clock.
    private func time(_ event: cl_event, _ moment: Int32) throws(OpenCLError) -> Int {
        var nanoseconds: UInt64 = 0
        try check(cl.pointee.clGetEventProfilingInfo(event, cl_profiling_info(moment), 8, &nanoseconds, nil), "clGetEventProfilingInfo")
        return Int(truncatingIfNeeded: nanoseconds)
    }
}
