import ArgumentParser
import Glibc
import Synchronization

/// Whether SIGINT, SIGTERM or SIGHUP, which a lost connection sends, asked the process to end. A second one ends it at once.
/// A run is also over where nobody reads its standard output any more.
enum Interruption {
    private static let isAsked = Atomic<Bool>(false)

    /// The exit status of a process that was asked to end.
    static let exitCode = ExitCode(130)

    static var isPending: Bool { isAsked.load(ordering: .relaxed) }

    /// Whether a closed standard output counts as being asked to end.
    private(set) static var watchesOutput: Bool {
        get { isOutputWatched.load(ordering: .relaxed) }
        set { isOutputWatched.store(newValue, ordering: .relaxed) }
    }
    private static let isOutputWatched = Atomic<Bool>(false)

    /// From now on the end of whoever reads standard output is noted too.
    static func watchOutput() {
        signal(SIGPIPE, SIG_IGN)
        watchesOutput = true
    }

    /// From now on the signals are noted and no longer end the process.
    static func watch() {
        // The handler must not be the first to touch the flag: making it takes a lock.
        _ = isPending
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            // Whoever started the process with a signal ignored, as nohup does, wants it so.
            sigaction(number, nil, &action)
            if number == SIGHUP && unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 { continue }
            action.__sigaction_handler.sa_handler = { _ in Interruption.note() }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    static func note() { isAsked.store(true, ordering: .relaxed) }
}
