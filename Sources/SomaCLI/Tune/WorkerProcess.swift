import Glibc
import Soma
import SomaBackend

/// Another process that answers each line it is sent with one line, and is killed where that takes too long.
final class WorkerProcess {
    enum Answer: Equatable {
        case line(String)
        /// It ended, or cannot be reached.
        case ended
        /// It took too long, and was killed.
        case late
        /// Nobody wants the answer any more; it was killed.
        case interrupted
    }

    private let process: pid_t
    private let (input, output): (Int32, Int32)
    private var received: [UInt8] = []
    private(set) var isRunning = true

    /// - Parameter environment: variables changed for it.
    /// - Throws: `SomaError` where it cannot be started.
    init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let (requests, answers) = (try Self.pipe(), try Self.pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, requests.end, 0)
        posix_spawn_file_actions_adddup2(&actions, answers.start, 1)
        // What a driver says when it breaks down is of no use to a reader of the table.
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: Control-C is for the parent, which ends it.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = Self.variables(environment).map { strdup($0) } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawn(&process, path, &actions, &attributes, &words, &variables)
        close(requests.end)
        close(answers.start)
        (self.process, input, output) = (process, requests.start, answers.end)
        guard code == 0 else {
            isRunning = false
            throw SomaError("cannot start another process: \(String(cString: strerror(code)))")
        }
    }

    deinit {
        stop()
        close(input)
        close(output)
    }

    /// What is written to `start` is read from `end`.
    private static func pipe() throws -> (start: Int32, end: Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw SomaError("cannot make a pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[1], ends[0])
    }

    private static func variables(_ changes: [String: String]) -> [String] {
        var result = changes.map { "\($0.key)=\($0.value)" }
        var place = environ
        while let text = place.pointee {
            let variable = String(cString: text)
            if changes[String(variable.prefix { $0 != "=" })] == nil { result.append(variable) }
            place += 1
        }
        return result
    }

    /// Sends a line and waits for one.
    /// - Parameter isInterrupted: asked ten times a second.
    func answer(to request: String, within seconds: Double, isInterrupted: () -> Bool) -> Answer {
        guard isRunning, send(request + "\n") else { return end(.ended) }
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return .line(line)
            }
            if isInterrupted() { return end(.interrupted) }
            if ContinuousClock.now >= deadline { return end(.late) }
            if !receive() { return end(.ended) }
        }
    }

    private func send(_ text: String) -> Bool { WholeWrite.write(text, to: input) }

    /// Takes what comes within a tenth of a second; `false` where nothing will come any more.
    private func receive() -> Bool {
        var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 100) > 0 else { return true }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &bytes, bytes.count)
        if count < 0 && errno == EINTR { return true }
        received += bytes.prefix(max(count, 0))
        return count > 0
    }

    private func end(_ answer: Answer) -> Answer {
        stop()
        return answer
    }

    /// Ends the process, whatever it is doing. One that a driver holds in the kernel cannot be ended, and is left behind after ten seconds.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        kill(process, SIGKILL)
        var (status, patience) = (Int32(0), 1000)
        while waitpid(process, &status, WNOHANG) == 0 && patience > 0 {
            usleep(10_000)
            patience -= 1
        }
    }
}
