import Glibc
import Soma

/// Starting this program anew to see how long it takes to its first training step.
enum FirstStep {
    /// Runs `soma bench --first-step` and waits for its end.
    /// - Throws: `SomaError` where the process cannot be started or fails.
    static func launch(device: String) throws {
        var path = [CChar](repeating: 0, count: 4096)
        guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { throw SomaError("the path of this program is unknown") }
        let words = ["soma", "bench", "--first-step", "--device", device]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        guard posix_spawn(&process, path, nil, nil, &arguments, environ) == 0 else { throw SomaError("a new process cannot be started") }
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process, status == 0 else { throw SomaError("a new process failed on \(device)") }
    }
}
