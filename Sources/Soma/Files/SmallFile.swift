import Glibc

/// Small files, read at once. Unlike mapped memory they may be shortened or replaced meanwhile.
enum SmallFile {
    /// - Throws: `SomaError` where the file is missing, unreadable, not a regular file, or has more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        // A pipe, say, that calls itself a picture must not be waited for.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw SomaError.system("cannot open \(path)") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw SomaError.system("cannot read \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SomaError("cannot read \(path): it is not a regular file")
        }
        guard status.st_size <= limit else {
            throw SomaError("cannot read \(path): it has \(status.st_size) bytes, more than \(limit)")
        }
        return try [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let got = Glibc.read(file, buffer.baseAddress.map { $0 + count }, buffer.count - count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw SomaError.system("cannot read \(path)") }
                if got == 0 { return }
                count += got
            }
        }
    }
}
