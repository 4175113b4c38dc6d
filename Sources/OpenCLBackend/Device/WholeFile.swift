#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import SomaBackend

/// A file that is read and replaced as a whole, so that nobody ever sees a part of it.
struct WholeFile {
    let path: String

    /// Why a file cannot be read or written.
    struct Failure: Error {
        let reason: String

        static var system: Failure { Failure(reason: String(cString: strerror(errno))) }
    }

    /// The content; `nil` where there is no file.
    /// - Throws: where it cannot be read, is no plain file, holds more than `limit` bytes, or could have been written by another user.
    func read(limit: Int) throws(Failure) -> [UInt8]? {
        // Without waiting: a pipe of this name must not hold up the start of a device.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if file < 0 && (errno == ENOENT || errno == ENOTDIR) { return nil }
        guard file >= 0 else { throw .system }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .system }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(reason: "it is no plain file") }
        if let reason = Self.distrust(status) { throw Failure(reason: reason) }
        guard status.st_size <= limit else { throw Failure(reason: "it holds more than \(limit) bytes") }
        return try Self.content(of: file, upTo: Int(status.st_size))
    }

    /// The bytes of an open file from where it stands, as many as there are and no more than `size`.
    private static func content(of file: CInt, upTo size: Int) throws(Failure) -> [UInt8] {
        var (bytes, count) = ([UInt8](repeating: 0, count: size), 0)
        while count < size {
            let got = bytes.withUnsafeMutableBytes { systemRead(file, UnsafeMutableRawBufferPointer(rebasing: $0[count...])) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .system }
            if got == 0 { break }
            count += got
        }
        return Array(bytes[..<count])
    }

    private static func systemRead(_ file: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
        Glibc.read(file, buffer.baseAddress, buffer.count)
        #else
        Musl.read(file, buffer.baseAddress, buffer.count)
        #endif
    }

    /// Why a file or folder is not one's own, so that what it holds is not to be run; `nil` where only this user, or the administrator, can have
    /// written it.
    static func distrust(_ status: stat) -> String? {
        if status.st_uid != geteuid() && status.st_uid != 0 { return "it belongs to another user" }
        return status.st_mode & S_IWOTH != 0 ? "every user may write to it" : nil
    }

    /// The same of a path; `nil` where there is nothing yet.
    static func distrust(_ path: String) -> String? {
        var status = stat()
        return stat(path, &status) == 0 ? distrust(status) : nil
    }

    /// Replaces the content: written aside and renamed. Makes the folders above where they are missing.
    /// - Parameter isSynced: whether it must survive a power cut.
    /// - Throws: the reason; the file is then as before.
    func write(_ bytes: [UInt8], isSynced: Bool) throws(Failure) {
        if let parent = Self.parent(path) { try Self.makeFolder(parent) }
        let aside = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { throw .system }
        var failure: Failure?
        let count = bytes.withUnsafeBytes { WholeWrite.write($0, to: file) }
        if count < bytes.count || isSynced && fsync(file) != 0 { failure = .system }
        if close(file) != 0 { failure = failure ?? .system }
        if failure == nil && rename(aside, path) != 0 { failure = .system }
        guard let failure else { return }
        unlink(aside)
        throw failure
    }

    /// By its bytes: a name may begin with an accent, which Swift would join with the slash before it.
    private static func parent(_ path: String) -> String? {
        guard let end = path.utf8.lastIndex(of: UInt8(ascii: "/")), end > path.utf8.startIndex else { return nil }
        return String(decoding: path.utf8[..<end], as: UTF8.self)
    }

    private static func makeFolder(_ path: String) throws(Failure) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let parent = parent(path) else { throw .system }
        try makeFolder(parent)
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system }
    }
}
