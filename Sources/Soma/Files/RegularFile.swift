import Glibc

/// A regular file, open for reading as long as it is held.
struct RegularFile: ~Copyable, Sendable {
    let descriptor: CInt
    let byteCount: Int
    /// Its name, for messages.
    let path: String

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
        (self.descriptor, byteCount, self.path) = (descriptor, Int(status.st_size), path)
    }

    deinit { close(descriptor) }

    /// Copies the bytes from `offset` on and returns how many: fewer than there is room for only at the end of the file.
    /// - Throws: `SomaError` where they cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        var count = 0
        while count < buffer.count {
            let got = pread(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count, offset + count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw SomaError.system("cannot read \(path)") }
            if got == 0 { break }
            count += got
        }
        return count
    }

    /// Fills the whole of `buffer` with the bytes from `offset` on.
    /// - Throws: `SomaError` where they cannot be read, or are no longer there.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws {
        guard try read(into: buffer, at: offset) == buffer.count else {
            throw SomaError("\(path) was cut short while it was in use: it had \(byteCount) bytes when it was opened")
        }
    }
}
