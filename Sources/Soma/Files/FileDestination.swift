import Glibc

/// What becomes of a symbolic link in the place of a file that is to be written.
public enum LinkPolicy: Sendable {
    /// What it leads to is written, where the link is the user's own or the administrator's. One of another user could lead to any file of
    /// this user, so nothing is written through it.
    case followed
    /// The file takes its place, and what it leads to stays as it was.
    case replaced
}

/// What a path leads to that is to be written.
enum FileDestination {
    /// A regular file, or none yet: behind the links that are followed.
    case file(String)
    /// Something that takes bytes as they come.
    case stream(OpenStream)

    /// More links in a row go round in circles, as the system has it.
    private static let mostLinks = 40

    /// - Throws: `SomaError` where nothing can be written to it.
    init(_ path: String, links: LinkPolicy = .followed) throws {
        var current = path
        for _ in 0..<Self.mostLinks {
            // A file that a shell has opened for this process must not be opened again: there would be two positions in it.
            if let number = Self.openDescriptor(current) {
                self = .stream(try OpenStream(duplicating: number, path))
                return
            }
            var status = stat()
            guard lstat(current, &status) == 0 else {
                self = .file(current)
                return
            }
            switch status.st_mode & S_IFMT {
            case S_IFLNK where links == .replaced:
                self = .file(current)
                return
            case S_IFLNK:
                guard status.st_uid == geteuid() || status.st_uid == 0 else {
                    throw SomaError("cannot write \(path): \(current) is a link that belongs to another user", hint: "remove it or name another file")
                }
                current = try Self.target(of: current)
            case S_IFCHR, S_IFIFO:
                self = .stream(try OpenStream(current))
                return
            case S_IFREG, S_IFDIR:
                self = .file(current)
                return
            default: throw SomaError("cannot write \(path): it is a device or a socket")
            }
        }
        throw SomaError.system("cannot write \(path)", code: ELOOP)
    }

    static func isOpen(_ path: String, as descriptor: CInt) -> Bool { openDescriptor(path) == descriptor }

    /// The number of an open file that a path names.
    private static func openDescriptor(_ path: String) -> CInt? {
        switch path {
        case "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default: break
        }
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.beginsExactly(with: prefix) {
            return CInt(path.dropFirst(prefix.count))
        }
        return nil
    }

    private static func target(of link: String) throws -> String {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &bytes, bytes.count)
        guard count >= 0 else { throw SomaError.system("cannot read the link \(link)") }
        let target = bytes[..<count].map(UInt8.init(bitPattern:)).pathText
        return PathText.isAbsolute(target) ? target : "\(PathText.folder(of: link))/\(target)"
    }
}

/// An open terminal, pipe, or character device.
final class OpenStream {
    let descriptor: CInt

    /// - Throws: `SomaError` where it cannot be written, as a pipe that nobody reads.
    init(_ path: String) throws {
        // Without waiting for a reader; writing then waits as usual.
        descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw SomaError.system("cannot write \(path)") }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    }

    /// What this process has open as `number`.
    init(duplicating number: CInt, _ path: String) throws {
        descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
        guard descriptor >= 0 else { throw SomaError.system("cannot write \(path)") }
    }

    deinit { close(descriptor) }
}
