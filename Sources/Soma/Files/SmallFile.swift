import Glibc

/// Small files, read at once. Unlike mapped memory they may be shortened or replaced meanwhile.
enum SmallFile {
    /// - Throws: `SomaError` where the file is missing, unreadable, not a regular file, or has more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws -> [UInt8] {
        let file = try RegularFile(path)
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
