import Glibc
import SomaBackend

/// Bytes that do not change and stay where they are as long as somebody holds this object: the content of a file, unpacked
/// data, or a constant of the program.
///
/// Unchecked `Sendable`, because all it has is an address of memory that nobody writes.
public final class ByteRegion: @unchecked Sendable {
    /// Valid only while this object is alive: keep it alive by `withExtendedLifetime` around the last use.
    public let bytes: UnsafeRawBufferPointer
    private let release: @Sendable (UnsafeRawBufferPointer) -> Void

    /// Takes over `bytes`; `release` gives them back.
    public init(
        _ bytes: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = { _ in }
    ) {
        self.bytes = bytes
        self.release = release
    }

    deinit { release(bytes) }

    /// Reads a whole file.
    /// - Throws: `SomaError` where the file is missing, unreadable, not a regular file, has more than `limit` bytes, or changes meanwhile.
    public convenience init(reading path: String, limit: Int = .max) throws {
        let file = try RegularFile(path)
        guard file.byteCount <= limit else { throw SomaError("cannot read \(path): it has \(file.byteCount) bytes, more than \(limit)") }
        try self.init(count: file.byteCount) { try file.fill($0, from: 0) }
    }

    /// Allocates `count` bytes, lets `fill` write all of them, and keeps them.
    /// - Throws: `SomaError` where there is no memory, and whatever `fill` throws.
    convenience init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        guard let address = malloc(max(count, 1)) else {
            throw SomaError("no memory for \(count) bytes", hint: HostMemory.limitInForce)
        }
        let buffer = UnsafeMutableRawBufferPointer(start: address, count: count)
        do { try fill(buffer) } catch {
            free(address)
            throw error
        }
        self.init(UnsafeRawBufferPointer(buffer)) { free(UnsafeMutableRawPointer(mutating: $0.baseAddress)) }
    }
}

extension SomaError {
    /// `what` and the reason that the operating system gives for the last call.
    static func system(_ what: String, code: CInt = errno) -> SomaError {
        SomaError("\(what): \(String(cString: strerror(code)))")
    }
}
