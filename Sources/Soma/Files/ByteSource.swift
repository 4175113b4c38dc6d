import Glibc

/// Bytes of an open file or of memory, read when they are asked for.
///
/// A file is read and never mapped: where somebody shortens it meanwhile, or its disk fails, that is an error to throw. Touching a mapped page
/// would end the process.
struct ByteSource: Sendable {
    private enum Origin: Sendable {
        case memory(ByteRegion)
        case file(OpenFile)
    }

    private final class OpenFile: Sendable {
        let file: RegularFile
        init(_ path: [UInt8]) throws { file = try RegularFile(path) }
    }

    private let origin: Origin
    /// How many bytes there are, or were when the file was opened.
    let count: Int

    init(_ region: ByteRegion) { (origin, count) = (.memory(region), region.bytes.count) }

    /// Opens a file, which may be larger than memory.
    /// - Throws: `SomaError` where it is missing, unreadable or not a regular file.
    init(path: String) throws { try self.init(path: Array(path.utf8)) }

    /// A file whose path need not be UTF-8.
    init(path: [UInt8]) throws {
        let open = try OpenFile(path)
        (origin, count) = (.file(open), open.file.byteCount)
    }

    /// Copies the bytes from `offset` on and returns how many: fewer than there is room for only at the end.
    /// - Throws: `SomaError` naming the file where it cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
        switch origin {
        case .file(let open): return try open.file.read(into: buffer, at: offset)
        case .memory(let region):
            return withExtendedLifetime(region) {
                let rest = region.bytes.dropFirst(offset).prefix(buffer.count)
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest))
                return rest.count
            }
        }
    }

    /// Calls `body` with the bytes of a range.
    /// - Throws: `SomaError` naming the file where it cannot be read or has become shorter, or where there is no memory for so many bytes; what
    ///   `body` throws.
    func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        switch origin {
        case .memory(let region):
            return try withExtendedLifetime(region) { try body(UnsafeRawBufferPointer(rebasing: region.bytes[range])) }
        case .file(let open):
            // Rows of a data set are mostly small and fit on the stack.
            if range.count <= 1024 {
                return try withUnsafeTemporaryAllocation(byteCount: range.count, alignment: 16) { buffer in
                    try open.file.fill(buffer, from: range.lowerBound)
                    return try body(UnsafeRawBufferPointer(buffer))
                }
            }
            let copy = try ByteRegion(count: range.count) { try open.file.fill($0, from: range.lowerBound) }
            return try withExtendedLifetime(copy) { try body(copy.bytes) }
        }
    }

    /// All bytes in memory.
    /// - Throws: as `withBytes`.
    func loaded() throws -> ByteRegion {
        switch origin {
        case .memory(let region): region
        case .file(let open): try ByteRegion(count: count) { try open.file.fill($0, from: 0) }
        }
    }

    /// Hands all bytes to `body`, piece by piece.
    /// - Throws: `SomaError` naming the file where it cannot be read; what `body` throws.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            var offset = 0
            while case let size = try read(into: buffer, at: offset), size > 0 {
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<size]))
                offset += size
            }
        }
    }
}

/// The first bytes of a file, which tell its kind.
public enum FileStart {
    /// The first `count` bytes of a file, or all of a shorter one.
    /// - Throws: `SomaError` where the file is missing, unreadable or not a regular file.
    public static func bytes(of path: String, count: Int) throws -> [UInt8] {
        let file = try ByteSource(path: path)
        return try file.withBytes(0..<min(count, file.count)) { Array($0) }
    }
}
