import Glibc
import Soma
import Testing

/// A run of the built command, or of another program beside it.
struct Command {
    let status: Int32
    let output: String
    let complaint: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Where the executables of the package are: beside that of the tests. `SOMA_BIN` names another folder.
    static var folder: String {
        if let folder = getenv("SOMA_BIN") { return String(cString: folder) }
        var path = [CChar](repeating: 0, count: 4096)
        guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return "." }
        let whole = String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return String(whole[..<(whole.lastIndex(of: "/") ?? whole.startIndex)])
    }

    /// Runs `soma` in `directory` and waits for its end; after `limit` seconds, which are there for what hangs and not for what is slow, it is killed,
    /// and the test fails.
    /// - Parameter interrupt: a signal to send, and the moment when to: it is asked for over and over.
    static func soma(
        _ arguments: String..., in directory: TestFolder, environment: [String: String] = [:], limit: Double = 600,
        interrupt: (signal: Int32, when: () -> Bool)? = nil
    ) -> Command {
        run(["\(folder)/soma"] + arguments, in: directory, environment: environment, limit: limit, interrupt: interrupt)
    }

    static func run(
        _ words: [String], in directory: TestFolder, environment: [String: String] = [:], limit: Double = 600,
        interrupt: (signal: Int32, when: () -> Bool)? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Command {
        let (out, err) = ("\(directory.path)/.stdout", "\(directory.path)/.stderr")
        let process = start(words, directory.path, environment, out, err)
        let began = ContinuousClock.now
        var (status, sent) = (Int32(0), false)
        while waitpid(process, &status, WNOHANG) == 0 {
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            if let interrupt, !sent, interrupt.when(), listens(process, to: interrupt.signal) {
                kill(process, interrupt.signal)
                sent = true
            }
            if seconds > limit {
                kill(process, SIGKILL)
                Issue.record("\(words.joined(separator: " ")) took more than \(limit) s", sourceLocation: sourceLocation)
            }
            usleep(2000)
        }
        let (output, complaint) = (directory.text(".stdout"), directory.text(".stderr"))
        // As a shell tells it: 128 and the number of the signal that ended the process.
        return Command(status: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F, output: output, complaint: complaint)
    }

    /// Whether a process handles a signal that asks it to end, or ignores it: one that has only begun would end by it. Of other signals it is not asked.
    private static func listens(_ process: pid_t, to signal: Int32) -> Bool {
        let requests = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGXCPU, SIGUSR1]
        guard requests.contains(signal), let file = fopen("/proc/\(process)/status", "r") else { return true }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
            guard words.count == 2, words[0] == "SigCgt:" || words[0] == "SigIgn:", let mask = UInt64(words[1], radix: 16) else { continue }
            if mask >> UInt64(signal - 1) & 1 == 1 { return true }
        }
        return false
    }

    private static func start(_ words: [String], _ directory: String, _ changes: [String: String], _ out: String, _ err: String) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // The threads that run tests block signals; what they start would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // Nor does what they ignore, as whatever a script starts in the background ignores SIGINT, mean anything to a command.
        var usual = sigset_t()
        sigemptyset(&usual)
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGUSR1] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // One thread: the cores are shared with other tests, and results do not depend on it.
        var environment = ["OMP_NUM_THREADS": "1"]
        for name in ["PATH", "HOME", "POCL_CACHE_DIR", "SOMA_CACHE", "LD_LIBRARY_PATH"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        environment.merge(changes) { _, new in new }
        // `env` becomes the program, in the directory, under the same process id.
        let words = ["env", "--chdir=\(directory)"] + words
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + variables).forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawnp(&process, words[0], &actions, &attributes, &arguments, &variables)
        precondition(code == 0, "\(words[0]): \(String(cString: strerror(code)))")
        return process
    }

    /// Expects an end with this status and one line on standard error that has all of these words.
    func expectComplaint(_ status: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(self.status == status, "\(complaint)", sourceLocation: sourceLocation)
        #expect(complaint.hasSuffix("\n") && complaint.dropLast().allSatisfy { !$0.isNewline }, "not one line: \(complaint)", sourceLocation: sourceLocation)
        for word in words where !complaint.contains(word) {
            Issue.record("'\(complaint)' lacks '\(word)'", sourceLocation: sourceLocation)
        }
    }

    /// The same of the last of several lines, behind warnings.
    func expectEnd(_ status: Int32, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(self.status == status, "\(complaint)", sourceLocation: sourceLocation)
        let last = complaint.split(separator: "\n").last ?? ""
        for word in words where !last.contains(word) { Issue.record("'\(complaint)' does not end with '\(word)'", sourceLocation: sourceLocation) }
    }
}

/// A folder of its own for a test, removed with all it holds.
final class TestFolder {
    let path: String

    init() {
        var template = Array("/tmp/soma-cli-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(listing)
        }
        Glibc.remove(path)
    }

    func bytes(_ name: String) -> [UInt8]? {
        guard let file = fopen("\(path)/\(name)", "rb") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return bytes
    }

    func text(_ name: String) -> String { String(decoding: bytes(name) ?? [], as: UTF8.self) }

    func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        if let slash = name.lastIndex(of: "/") { mkdir("\(path)/\(name[..<slash])", 0o777) }
        try AtomicFile.write(bytes, to: "\(path)/\(name)")
        return "\(path)/\(name)"
    }
}
