import CImages

/// Unpacks gzip data piece by piece, so that nobody has to believe a size that a file announces, or hold the packed data.
final class GunzipStream {
    private var state: OpaquePointer?
    private let source: ByteSource
    private let path: String
    private let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// How much of the source zlib has got.
    private var position = 0
    /// Why the source cannot be read.
    private var failure: (any Error)?

    init(_ source: ByteSource, path: String) throws {
        (self.source, self.path) = (source, path)
        state = soma_gunzip_begin(
            { context, bytes in
                guard let context else { return 0 }
                return Unmanaged<GunzipStream>.fromOpaque(context).takeUnretainedValue().next(bytes)
            }, Unmanaged.passUnretained(self).toOpaque())
        if state == nil { throw SomaError("no memory to unpack \(path)") }
    }

    deinit {
        if let state { soma_gunzip_end(state) }
        piece.deallocate()
    }

    /// The next piece of packed data and its size; 0 at the end.
    private func next(_ bytes: UnsafeMutablePointer<UnsafePointer<UInt8>?>?) -> UInt32 {
        do {
            let count = try source.read(into: piece, at: position)
            position += count
            bytes?.pointee = UnsafePointer(piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
            return UInt32(count)
        } catch {
            failure = error
            return 0
        }
    }

    /// Fills `buffer` and returns how much it wrote: less than all of it only at the end of the data.
    /// - Throws: `SomaError` where the packed data is truncated, broken, or cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var written = 0
        let output = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let status = soma_gunzip_read(state, output, buffer.count, &written)
        if let failure { throw failure }
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

extension ByteSource {
    /// Whether the data begins as gzip data does.
    var isGzip: Bool {
        get throws { try withBytes(0..<min(2, count)) { $0.elementsEqual([0x1F, 0x8B]) } }
    }
}
