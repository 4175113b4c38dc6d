import Glibc
import Soma

/// Standard output and standard error, unbuffered: each line is out when the call returns.
enum Console {
    /// Gives standard input, output and error that the process was started without to nobody: the first file that is
    /// opened would else take their place, and get what is meant for a person.
    static func openClosed() {
        var descriptor: Int32
        repeat { descriptor = open("/dev/null", O_RDWR) } while (0...2).contains(descriptor)
        if descriptor > 2 { close(descriptor) }
    }

    /// Writes a line or several to standard output. What would move the cursor of a terminal, as a file's name may, is shown as
    /// a space.
    /// - Throws: `SomaError` where it cannot be written, as on a full disk.
    static func print(_ line: String) throws { try write(Prose.harmless(line) + "\n") }

    /// Tells on standard output that a file was written; on standard error where that file is standard output.
    static func announce(_ line: String, to path: String) throws {
        if AtomicFile.isStandardOutput(path) { complain("soma: \(line)") } else { try print(line) }
    }

    /// Writes text to standard output as it is.
    static func write(_ text: String) throws {
        guard emit(text, to: STDOUT_FILENO) else {
            // Nobody reads any more. That ends a run as an interruption does, which loses nothing.
            if errno == EPIPE, Interruption.watchesOutput { return Interruption.note() }
            throw SomaError("cannot write to standard output: \(String(cString: strerror(errno)))")
        }
    }

    /// Writes a line to standard error. There is nobody to tell where that fails.
    static func complain(_ line: String) { _ = emit(Prose.harmless(line) + "\n", to: STDERR_FILENO) }

    /// Whether standard output is read by a person.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The columns of the terminal.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private static func emit(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }
}
