import Glibc
import Soma
import SomaBackend
import Synchronization

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
        if failure.load(ordering: .relaxed) != 0 { return }
        guard WholeWrite.write(text, to: STDOUT_FILENO) else {
            guard Interruption.watchesOutput else { throw Self.error(errno) }
            // Nobody reads any more, the terminal is gone, or the disk is full. That ends a run as an interruption does, which loses nothing.
            failure.store(errno, ordering: .relaxed)
            return Interruption.note()
        }
    }

    /// Draws a line of the terminal anew, as much of it as fits: one that is broken would leave a row behind each time.
    static func redraw(_ line: String) throws { try write("\r\u{1B}[K" + FittedLine.shortened(Prose.printable(line), to: width - 1)) }

    /// Why standard output can no longer be written, where that is known and is worth telling: that nobody reads it any more is not.
    static var outputFailure: SomaError? {
        let code = failure.load(ordering: .relaxed)
        return code == 0 || code == EPIPE ? nil : error(code)
    }

    /// The error with which writing to standard output has failed, after which nothing is written there; 0: it has not.
    private static let failure = Atomic<Int32>(0)

    private static func error(_ code: Int32) -> SomaError { SomaError("cannot write to standard output: \(String(cString: strerror(code)))") }

    /// Writes a line to standard error. There is nobody to tell where that fails.
    static func complain(_ line: String) { _ = WholeWrite.write(Prose.harmless(line) + "\n", to: STDERR_FILENO) }

    /// Whether standard output is read by a person.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The columns of the terminal.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
