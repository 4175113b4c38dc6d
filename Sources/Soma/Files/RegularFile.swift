import Glibc

/// A regular file, open for reading as long as it is held.
struct RegularFile: ~Copyable {
    let descriptor: CInt
    let byteCount: Int

    /// - Throws: `SomaError` where the file is missing, unreadable or not a regular file.
    init(_ path: String) throws { try self.init(Array(path.utf8)) }

    /// A file whose path need not be UTF-8.
    init(_ bytes: [UInt8]) throws {
        let path = bytes.pathText
        // A pipe, say, that calls itself a picture must not be waited for.
        let descriptor = bytes.withPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw SomaError.system("cannot open \(path)") }
        var status = stat()
        let failure: SomaError? =
            if fstat(descriptor, &status) != 0 {
                SomaError.system("cannot read \(path)")
            } else if status.st_mode & S_IFMT != S_IFREG {
                SomaError("cannot read \(path): it is not a regular file")
            } else {
                nil
            }
        if let failure {
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }
}
