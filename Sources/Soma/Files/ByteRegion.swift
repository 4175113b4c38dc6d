import Glibc

/// Bytes that do not change and stay where they are as long as somebody holds this object: a mapped file, unpacked
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

    /// Maps a file read-only. Its pages are read when they are touched, so the file may be larger than memory.
    ///
    /// The file must not be shortened while it is mapped; files that `AtomicFile` replaces never are.
    /// - Throws: `SomaError` where the file is missing, unreadable or not a regular file.
    public convenience init(mapping path: String) throws {
        let file = try RegularFile(path)
        let size = file.byteCount
        if size == 0 {
            self.init(UnsafeRawBufferPointer(start: nil, count: 0))
            return
        }
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), address != MAP_FAILED else {
            throw SomaError.system("cannot map \(path)")
        }
        self.init(UnsafeRawBufferPointer(start: address, count: size)) {
            _ = munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count)
        }
    }

    /// Allocates `count` bytes, lets `fill` write all of them, and keeps them.
    /// - Throws: `SomaError` where there is no memory, and whatever `fill` throws.
    convenience init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
        guard let address = malloc(max(count, 1)) else { throw SomaError("no memory for \(count) bytes") }
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
