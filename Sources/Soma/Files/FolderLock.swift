import Glibc

/// A file in a folder that one process at a time has locked. The lock goes with the process, however that ends.
public final class FolderLock: Sendable {
    private let descriptor: CInt
    private let path: String

    /// Takes the lock; nil where another has it.
    /// - Throws: `SomaError` where the file cannot be made.
    public init?(folder: String, name: String) throws {
        path = "\(folder)/\(name)"
        while true {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard file >= 0 else { throw SomaError.system("cannot write to \(folder)") }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                return nil
            }
            // Whoever had it may have removed the file meanwhile: a lock on that keeps nobody out.
            if Self.isSame(file, path) {
                descriptor = file
                return
            }
            close(file)
        }
    }

    deinit { close(descriptor) }

    /// Removes the file while it is locked, so that nobody's lock is removed.
    public func remove() { unlink(path) }

    private static func isSame(_ file: CInt, _ path: String) -> Bool {
        var (open, named) = (stat(), stat())
        return fstat(file, &open) == 0 && stat(path, &named) == 0 && open.st_ino == named.st_ino && open.st_dev == named.st_dev
    }
}
