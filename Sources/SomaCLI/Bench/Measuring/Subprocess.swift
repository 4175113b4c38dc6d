import Glibc
import Soma

/// This program, run once more.
enum Subprocess {
    /// Runs this executable and waits until it ends.
    /// - Throws: `SomaError` where it cannot be started or fails.
    static func runSelf(_ arguments: [String]) throws {
        var words: [UnsafeMutablePointer<CChar>?] = (["soma"] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var process = pid_t()
        let code = posix_spawn(&process, "/proc/self/exe", nil, nil, &words, environ)
        guard code == 0 else { throw SomaError("cannot start another process: \(String(cString: strerror(code)))") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { throw SomaError("cannot wait for another process: \(String(cString: strerror(errno)))") }
        }
        guard status == 0 else { throw SomaError("soma \(arguments.joined(separator: " ")) failed") }
    }
}
