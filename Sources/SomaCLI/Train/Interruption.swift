import ArgumentParser
import Glibc
import Synchronization

/// Whether a signal asked the process to end: SIGINT or SIGQUIT from the keyboard, SIGTERM, SIGHUP of a lost connection, or SIGXCPU and SIGUSR1, by
/// which batch systems tell that the time is nearly over. A second one from a person ends the process at once.
/// A run is also over where its standard output cannot be written any more.
enum Interruption {
    private static let isAsked = Atomic<Bool>(false)
    /// When the first signal came, in milliseconds of a clock that is never set; 0: none came.
    private static let firstSignal = Atomic<Int>(0)
    private static let isNothingToLose = Atomic<Bool>(false)
    private static let isOutputWatched = Atomic<Bool>(false)
    /// The signals that are noted: a bit for each number.
    private static let noted = Atomic<UInt64>(0)

    /// What is said at the first signal: of a process that goes on to an end in order, and of one that ends then and there. Set before any can come.
    /// A signal that a person sends twice to end the process at once is told apart from one that tells nothing more when it comes again.
    nonisolated(unsafe) private static var acknowledgement = UnsafeRawBufferPointer(start: nil, count: 0)
    nonisolated(unsafe) private static var noticeAcknowledgement = UnsafeRawBufferPointer(start: nil, count: 0)
    nonisolated(unsafe) private static var farewell = UnsafeRawBufferPointer(start: nil, count: 0)

    /// The exit status of a process that was asked to end.
    static let exitCode = ExitCode(130)

    static var isPending: Bool {
        if isAsked.load(ordering: .relaxed) { return true }
        // A driver's threads may have set handlers of their own since this was last asked.
        let bits = noted.load(ordering: .relaxed)
        for number in signals where bits & 1 << UInt64(number) != 0 && !isHandled(number) { handle(number) }
        return false
    }

    /// Whether a standard output that fails counts as being asked to end.
    static var watchesOutput: Bool { isOutputWatched.load(ordering: .relaxed) }

    /// Whether a signal may end the process then and there, since nothing would be lost.
    static var hasNothingToLose: Bool {
        get { isNothingToLose.load(ordering: .relaxed) }
        set { isNothingToLose.store(newValue, ordering: .relaxed) }
    }

    /// From now on failures of standard output are noted too, such as the end of whoever reads it.
    static func watchOutput() {
        signal(SIGPIPE, SIG_IGN)
        isOutputWatched.store(true, ordering: .relaxed)
    }

    /// From now on the signals are noted and no longer end the process.
    /// - Parameters:
    ///   - line: what to say on standard error when the first comes, while what is under way goes on; which signal ends it at once is told behind it.
    ///   - last: what to say where the process ends then and there.
    static func watch(saying line: String? = nil, orLast last: String? = nil) {
        if let line {
            acknowledgement = bytes(of: line + "; once more ends it at once")
            noticeAcknowledgement = bytes(of: line + "; SIGTERM ends it at once")
        }
        if let last { farewell = bytes(of: last) }
        // The handler must not be the first to touch the flags: making them takes a lock.
        _ = (isPending, hasNothingToLose, firstSignal.load(ordering: .relaxed), exitCode.rawValue, echo)
        _ = (acknowledgement.count, noticeAcknowledgement.count, farewell.count)
        for number in signals {
            // Whoever started the process with a signal ignored, as nohup and shells do in the background, wants it so.
            if action(of: number) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            handle(number)
            noted.bitwiseOr(1 << UInt64(number), ordering: .relaxed)
        }
    }

    static func note() { isAsked.store(true, ordering: .relaxed) }

    // MARK: Signals

    private static let signals = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1]

    private static func handle(_ number: Int32) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = receiveSignal
        action.sa_flags = SA_RESTART
        sigaction(number, &action, nil)
    }

    private static func isHandled(_ number: Int32) -> Bool {
        action(of: number) == unsafeBitCast(receiveSignal as @convention(c) (Int32) -> Void, to: Int.self)
    }

    /// The address of the handler of a signal.
    private static func action(of number: Int32) -> Int {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    }

    /// A line in memory that stays, behind what clears the line of a terminal where a bar may be.
    private static func bytes(of line: String) -> UnsafeRawBufferPointer {
        let text = (isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : "") + line + "\n"
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        buffer.copyBytes(from: text.utf8)
        return UnsafeRawBufferPointer(buffer)
    }

    /// What happens in a handler: it may interrupt anything, so it takes no lock and no memory.
    fileprivate static func receive(_ number: Int32) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = max(1, time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
        let (isFirst, first) = firstSignal.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        if isFirst {
            note()
            let isLast = hasNothingToLose, line = isLast ? farewell : isFromPerson(number) ? acknowledgement : noticeAcknowledgement
            _ = write(STDERR_FILENO, line.baseAddress, line.count)
            if isLast { _exit(exitCode.rawValue) }
        } else if isFromPerson(number) && now - first > echo {
            signal(number, SIG_DFL)
            raise(number)
        }
    }

    /// Whether a second signal of a kind means more than the first. A terminal that is closed sends SIGHUP, and so does its shell, whenever it gets
    /// to it; Linux sends SIGXCPU once a second where the limit is passed, and batch systems may repeat SIGUSR1.
    private static func isFromPerson(_ number: Int32) -> Bool { number == SIGINT || number == SIGQUIT || number == SIGTERM }

    /// Milliseconds within which a signal may come twice and mean one: `timeout` sends it to a process and to its group.
    private static let echo = 100
}

private func receiveSignal(_ number: Int32) {
    let code = errno
    Interruption.receive(number)
    errno = code
}
