@preconcurrency import Glibc

#if canImport(Runtime) && compiler(>=6.2)
    import Runtime
#endif

/// A fork of this process that did something, such as a mistake that ends a program.
///
/// To start the tests anew for each mistake takes a second, in which symbols and debugging information are read. A fork has what this process has read.
/// Of the threads of a process its fork has the one that forked alone, so tests fork in a process of their own, where no other has begun anything.
public struct ForkedProcess: Sendable {
    /// What it wrote to its standard output and error.
    public let output: String
    public let complaint: String
    /// 0 where `body` returned, 256 where it threw, else how it ended, as `waitpid` tells it.
    public let status: Int32

    /// Runs `body` in a fork and waits for its end.
    public init(_ body: () throws -> Void) {
        // Swift hides fork because of the threads.
        let fork = unsafeBitCast(dlsym(nil, "fork"), to: (@convention(c) () -> pid_t).self)
        let (out, err) = (tmpfile(), tmpfile())
        guard let out, let err else { preconditionFailure("no temporary file") }
        fflush(nil)
        let child = fork()
        precondition(child >= 0, "no fork")
        if child == 0 {
            dup2(fileno(out), STDOUT_FILENO)
            dup2(fileno(err), STDERR_FILENO)
            // Else what was printed is lost with a process that is aborted.
            setvbuf(stdout, nil, _IONBF, 0)
            do { try body() } catch { _exit(1) }
            _exit(0)
        }
        var status: CInt = 0
        waitpid(child, &status, 0)
        self.status = status
        (output, complaint) = (Self.text(out), Self.text(err))
    }

    /// Reads what tells the lines of calls, which each fork that makes a mistake needs.
    public static func readSymbols() {
        #if canImport(Runtime) && compiler(>=6.2)
            _ = try? Backtrace.capture(limit: 128).symbolicated()
        #endif
    }

    /// Writes a line to standard error, for the test that observes this process.
    public static func tell(_ line: String) { _ = "\(line)\n".withCString { write(STDERR_FILENO, $0, strlen($0)) } }

    private static func text(_ file: UnsafeMutablePointer<FILE>) -> String {
        defer { fclose(file) }
        rewind(file)
        var (bytes, piece) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
