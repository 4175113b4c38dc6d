import Glibc

/// A file in a folder that one process at a time has locked. The lock goes with the process, however that ends.
public final class FolderLock: Sendable {
    private let descriptor: CInt
    private let path: String
    /// Why the file is not locked and so keeps nobody out, as on some network file systems; nil where it is locked.
    public let problem: String?

    /// Takes the lock; nil where another has it. Where the file system knows no locks it goes without, see `problem`.
    /// - Throws: `SomaError` where the file cannot be made.
    public init?(folder: String, name: String) throws {
        path = "\(folder)/\(name)"
        // Each further attempt means that another has had the lock and removed the file since.
        for _ in 0..<1000 {
            let file = try Self.open(path, in: folder)
            switch FileLock.take(file) {
            // Whoever had it may have removed the file meanwhile: a lock on that keeps nobody out.
            case .taken where Self.isSame(file, path):
                (descriptor, problem) = (file, nil)
                return
            case .missing(let reason):
                (descriptor, problem) = (file, "\(folder) cannot be locked (\(reason)): see to it that nobody else writes there")
                return
            case .held:
                close(file)
                return nil
            case .taken: close(file)
            }
        }
        return nil
    }

    deinit { close(descriptor) }

    /// A regular file and no other: opening a pipe or a device may do more than open it, and what a link leads to is somebody else's.
    private static func open(_ path: String, in folder: String) throws -> CInt {
        let file = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        let failure = SomaError.system("cannot write to \(folder)")
        var status = stat()
        guard file >= 0 else {
            throw lstat(path, &status) == 0 ? refusal(path, status) ?? failure : failure
        }
        guard fstat(file, &status) == 0, let refusal = refusal(path, status) else { return file }
        close(file)
        throw refusal
    }

    /// Why what has this name cannot be the lock; nil where it can.
    private static func refusal(_ path: String, _ status: stat) -> SomaError? {
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFREG: return nil
        case S_IFLNK: kind = "a link"
        case S_IFDIR: kind = "a folder"
        default: kind = "no regular file"
        }
        return SomaError("\(path) is \(kind), where the lock of its folder belongs", hint: "remove it")
    }

    /// Removes the file while it is locked, so that nobody's lock is removed.
    public func remove() { unlink(path) }

    private static func isSame(_ file: CInt, _ path: String) -> Bool {
        var (open, named) = (stat(), stat())
        return fstat(file, &open) == 0 && stat(path, &named) == 0 && open.st_ino == named.st_ino && open.st_dev == named.st_dev
    }
}
