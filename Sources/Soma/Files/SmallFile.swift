import Glibc

/// Small files, read at once. Unlike mapped memory they may be shortened or replaced meanwhile.
package enum SmallFile {
    /// - Throws: `SomaError` where the file is missing, unreadable, not a regular file, or has more than `limit` bytes.
    package static func read(_ path: String, limit: Int) throws -> [UInt8] { try read(Array(path.utf8), limit: limit) }

    /// A file whose path need not be UTF-8.
    static func read(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        let path = bytes.pathText
        let file = try RegularFile(bytes)
        guard file.byteCount <= limit else {
            throw SomaError("cannot read \(path): it has \(file.byteCount) bytes, more than \(limit)")
        }
        return try [UInt8](unsafeUninitializedCapacity: file.byteCount) { buffer, count in
            while count < buffer.count {
                let got = Glibc.read(file.descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw SomaError.system("cannot read \(path)") }
                if got == 0 { return }
                count += got
            }
        }
    }
}
