import Glibc
import SomaBackend

/// Files that are replaced as a whole: whoever reads sees the old content or the new, never a part.
///
/// The new content is written beside the old, synced to the disk, renamed over it, and the folder is synced. A kill or
/// a power cut at any moment leaves one of the two complete; a full disk or an error leaves the old. What a killed
/// process left behind is cleared away by the next write of the same file.
///
/// A link stays and what it leads to is replaced, unless another user has made it, or the caller wants the link itself replaced. A terminal, a
/// pipe or `/dev/null` is written to, and nothing replaced.
public enum AtomicFile {
    /// Replaces the file at `path` by `bytes`.
    /// - Throws: `SomaError` naming the file and the reason; the file is then as before.
    public static func write(_ bytes: some Collection<UInt8>, to path: String, links: LinkPolicy = .followed) throws {
        try write(to: path, links: links) { file in
            let written: Void? = try bytes.withContiguousStorageIfAvailable {
                try file.append(UnsafeRawBufferPointer($0))
            }
            if written == nil { try Array(bytes).withUnsafeBytes { try file.append($0) } }
        }
    }

    /// Replaces the file at `path` by text in UTF-8.
    public static func write(_ text: String, to path: String, links: LinkPolicy = .followed) throws {
        try write(text.utf8, to: path, links: links)
    }

    /// Makes sure that a path leads to nothing that `write` would refuse; nothing is written.
    /// - Throws: `SomaError` that names the path and the reason.
    package static func checkDestination(_ path: String) throws { _ = try FileDestination(path) }

    /// Replaces the file at `path` by what `body` appends; what `body` throws leaves the file as it was.
    public static func write(to path: String, links: LinkPolicy = .followed, _ body: (FileSink) throws -> Void) throws {
        switch try FileDestination(path, links: links) {
        case .file(let target): try replace(target, body)
        case .stream(let stream):
            let sink = FileSink(descriptor: stream.descriptor, path: path)
            try body(sink)
            try sink.flush()
        }
    }

    /// Replaces the file at `path` by the content of another.
    /// - Throws: `SomaError` naming the file that cannot be read or written; that at `path` is then as before.
    public static func copy(_ source: String, to path: String, links: LinkPolicy = .followed) throws {
        let content = try ByteSource(path: source)
        try write(to: path, links: links) { file in try content.forEachPiece(file.append) }
    }

    /// Whether a path names standard output.
    public static func isStandardOutput(_ path: String) -> Bool { FileDestination.isOpen(path, as: STDOUT_FILENO) }

    private static func replace(_ path: String, _ body: (FileSink) throws -> Void) throws {
        let partial = try PartialFile(for: path)
        defer { partial.discard() }
        let sink = FileSink(descriptor: partial.descriptor, path: path)
        try body(sink)
        try sink.flush()
        guard fsync(partial.descriptor) == 0 else { throw SomaError.system("cannot write \(path)") }
        guard rename(partial.path, path) == 0 else { throw SomaError.system("cannot write \(path)") }
        partial.published = true
        try syncFolder(of: path)
    }

    /// Makes a rename in the folder of `path` survive a power cut.
    static func syncFolder(of path: String) throws {
        let folder = PathText.folder(of: path)
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw SomaError.system("cannot sync \(folder)") }
        defer { close(file) }
        // Some file systems cannot sync a folder and say EINVAL; there is nothing more to do on them.
        guard fsync(file) == 0 || errno == EINVAL else { throw SomaError.system("cannot sync \(folder)") }
    }
}

/// Where the new content of a file goes: appended in order, buffered where there is memory for that, so that a checkpoint can be written where
/// there is none.
public final class FileSink {
    private let descriptor: CInt
    private let path: String
    private let buffer: UnsafeMutableRawBufferPointer
    private var count = 0

    init(descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
        let memory = malloc(1 << 18)
        buffer = UnsafeMutableRawBufferPointer(start: memory, count: memory == nil ? 0 : 1 << 18)
    }

    deinit { free(buffer.baseAddress) }

    /// Appends bytes to the file.
    /// - Throws: `SomaError` naming the file and the reason, such as a full disk.
    public func append(_ bytes: UnsafeRawBufferPointer) throws {
        if count + bytes.count > buffer.count { try flush() }
        if bytes.count >= buffer.count { return try writeAll(bytes) }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count..<(count + bytes.count)]).copyMemory(from: bytes)
        count += bytes.count
    }

    func flush() throws {
        try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        count = 0
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
        guard WholeWrite.write(bytes, to: descriptor) == bytes.count else { throw SomaError.system("cannot write \(path)") }
    }
}

/// The new content of a file while it is written: `.NAME.XXXXXX.partial` in the same folder.
///
/// Its writer holds a lock on it, so that a partial file without a lock is one whose writer was killed. Where the file system knows no locks nobody
/// can take one either, and so nobody removes the file of another.
private final class PartialFile {
    let path: String
    let descriptor: CInt
    var published = false

    init(for target: String) throws {
        let (folder, name) = PathText.split(target)
        guard !name.isEmpty else { throw SomaError("cannot write \(target): it names a folder") }
        Self.removeAbandoned(in: folder, prefix: ".\(name).")
        // Others take a new file for an abandoned one only in the moment before it is locked.
        for _ in 0..<100 {
            let path = "\(folder)/.\(name).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard file >= 0 else { throw SomaError.system("cannot write \(target)") }
            if FileLock.take(file) != .held && Self.isLinked(file) {
                (self.path, descriptor) = (path, file)
                return
            }
            unlink(path)
            close(file)
        }
        throw SomaError("cannot write \(target): other processes take its locks")
    }

    /// Removes the partial file unless it has become the file itself.
    func discard() {
        if !published { unlink(path) }
        close(descriptor)
    }

    private static func isLinked(_ file: CInt) -> Bool {
        var status = stat()
        return fstat(file, &status) == 0 && status.st_nlink > 0
    }

    private static func removeAbandoned(in folder: String, prefix: String) {
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.beginsExactly(with: prefix), name.hasSuffix(".partial") else { continue }
            let path = "\(folder)/\(name)"
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            if FileLock.take(file) == .taken { unlink(path) }
            close(file)
        }
    }
}
