import CImages

/// Unpacks gzip data in memory piece by piece, so that nobody has to believe a size that a file announces.
final class GunzipStream {
    private let state: OpaquePointer
    private let path: String

    /// - Parameter bytes: must stay valid as long as this object is used.
    init(_ bytes: UnsafeRawBufferPointer, path: String) throws {
        guard let state = soma_gunzip_begin(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) else {
            throw SomaError("no memory to unpack \(path)")
        }
        (self.state, self.path) = (state, path)
    }

    deinit { soma_gunzip_end(state) }

    /// Fills `buffer` and returns how much it wrote: less than all of it only at the end of the data.
    /// - Throws: `SomaError` where the packed data is truncated or broken.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var written = 0
        let output = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let status = soma_gunzip_read(state, output, buffer.count, &written)
        if status == SOMA_GUNZIP_TRUNCATED { throw SomaError("\(path) is truncated: its gzip data ends early") }
        if status == SOMA_GUNZIP_BROKEN {
            throw SomaError("\(path) is broken gzip data: \(String(cString: soma_gunzip_reason(state)))")
        }
        return written
    }

    /// Whether nothing follows; this is also what checks the last checksum.
    func isAtEnd() throws -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try read(into: $0) } == 0
    }

    /// Unpacks everything through a small buffer.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            while case let count = try read(into: buffer), count > 0 {
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
