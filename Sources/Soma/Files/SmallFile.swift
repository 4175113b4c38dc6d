/// Small files, read at once.
package enum SmallFile {
    /// - Throws: `SomaError` where the file is missing, unreadable, not a regular file, or has more than `limit` bytes.
    package static func read(_ path: String, limit: Int) throws -> [UInt8] { try read(Array(path.utf8), limit: limit) }

    /// A file whose path need not be UTF-8.
    static func read(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        let file = try RegularFile(bytes)
        guard file.byteCount <= limit else {
            throw SomaError("cannot read \(file.path): it has \(file.byteCount) bytes, more than \(limit)")
        }
        let byteCount = file.byteCount
        return try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<byteCount]), at: 0)
        }
    }
}
