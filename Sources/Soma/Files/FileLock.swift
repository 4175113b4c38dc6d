import Glibc

/// The lock on an open file that one process at a time has, and that goes with the process.
enum FileLock {
    enum Outcome: Equatable {
        case taken
        /// Another has it.
        case held
        /// There are no locks here, for this reason; some network file systems have none.
        case missing(reason: String)
    }

    /// Takes the lock without waiting for whoever has it.
    static func take(_ descriptor: CInt) -> Outcome {
        for _ in 0..<100 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return .taken }
            if errno == EWOULDBLOCK { return .held }
            if errno != EINTR { break }
        }
        return .missing(reason: String(cString: strerror(errno)))
    }
}
