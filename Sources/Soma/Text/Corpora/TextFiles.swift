import Glibc
import SomaBackend

/// Text files in UTF-8, read in their order and piece by piece: they may be larger than memory.
///
/// Of a folder these are all files below it that end in `.txt`, `.text` or `.md`, in the order of the bytes of their paths; hidden ones are passed
/// over. A single file may be called anything. A byte order mark at the beginning of a file is no part of its text.
///
/// ```swift
/// let files = try TextFiles(path: "books")
/// ```
public struct TextFiles: Sendable {
    /// As the system spells them, which need not be UTF-8.
    let paths: [[UInt8]]
    /// The file or folder that was named, or several.
    public let path: String
    /// The bytes of all files, when they were listed.
    public let byteCount: Int

    /// The number of files.
    public var count: Int { paths.count }

    /// The endings of names by which files of a folder are taken for text.
    public static let endings = ["txt", "text", "md"]

    /// A file, or the text files of a folder.
    /// - Throws: `SomaError` naming what is missing or cannot be read, and a folder that has no text files.
    public init(path: String) throws { try self.init(paths: [path]) }

    /// Files, and the text files of folders, in this order.
    /// - Throws: `SomaError` as `init(path:)`.
    public init(paths: [String]) throws {
        var all: [[UInt8]] = []
        for path in paths {
            let bytes = Array(path.utf8)
            guard let status = FolderEntry.status(bytes) else { throw SomaError.system("cannot read \(path)") }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                all.append(bytes)
                continue
            }
            let found = try TextFolderScan(Array(PathText.withoutLastSlash(path).utf8)).files
            guard !found.isEmpty else {
                throw SomaError("the folder \(path) holds no text files", hint: "their names end in \(Self.endings.joined(separator: ", "))")
            }
            all += found
        }
        (self.paths, path) = (all, paths.joined(separator: ", "))
        byteCount = all.reduce(0) { $0 + Int(FolderEntry.status($1)?.st_size ?? 0) }
    }

    /// How much is read at a time.
    private static let pieceSize = 1 << 20
    /// A text that cannot be cut for so many bytes is cut where a code point ends.
    private static let mostBytes = 1 << 26

    /// Hands the text of all files to `body`, in parts that are cut where `cut` says.
    /// - Parameter end: called behind each file.
    /// - Throws: `SomaError` naming the file where it cannot be read or is none of text, or where `body` throws a `TextFault`, and the place in it.
    func forEachPart(
        cutting cut: (UnsafeRawBufferPointer) -> Int?, _ body: (UnsafeRawBufferPointer) throws -> Void, end: () throws -> Void = {}
    ) throws {
        for path in paths {
            let source = try ByteSource(path: path)
            try Self.forEachPart(of: source, path.pathText, cut, body)
            try end()
        }
    }

    private static func forEachPart(
        of source: ByteSource, _ path: String, _ cut: (UnsafeRawBufferPointer) -> Int?, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var offset = try source.withBytes(0..<min(source.count, FileKind.mostBytes)) { start in
            if let kind = FileKind(start, otherThan: FileKind.plainText) { throw kind.error(path, "is not a text in UTF-8") }
            return TextMark.length(in: start)
        }
        var size = pieceSize
        while offset < source.count {
            let isLast = source.count - offset <= size
            offset += try source.withBytes(offset..<(isLast ? source.count : offset + size)) { piece in
                var count = isLast ? piece.count : cut(piece) ?? 0
                if count == 0 && size >= mostBytes { count = piece.count - UTF8Text.openCount(piece) }
                if count == 0 {
                    size *= 2
                    return 0
                }
                size = pieceSize
                let part = UnsafeRawBufferPointer(rebasing: piece[..<count])
                do { try body(part) } catch let fault as TextFault { throw try located(fault.moved(by: offset), source, path) }
                return count
            }
        }
    }

    /// The error of a fault, with the line that it is in.
    private static func located(_ fault: TextFault, _ source: ByteSource, _ path: String) throws -> SomaError {
        var (place, offset) = (TextPlace(), try source.withBytes(0..<min(source.count, 3)) { TextMark.length(in: $0) })
        while offset < fault.offset {
            let end = min(fault.offset, offset + pieceSize)
            try source.withBytes(offset..<end) { place.advance(over: $0) }
            offset = end
        }
        return fault.error(at: place, name: path)
    }

    /// A hash by which a change of the files is seen: of their paths, sizes and the times at which they were written.
    func update(_ hash: inout SHA256) {
        for path in paths {
            let status = FolderEntry.status(path) ?? stat()
            let words = [path.count, Int(status.st_size), Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)].map(\.littleEndian)
            words.withUnsafeBytes { hash.update($0) }
            path.withUnsafeBytes { hash.update($0) }
        }
    }
}

extension TextFiles: DataSource {
    /// A hash of all that is written in the files, in their order; where they lie and what they are called counts for nothing.
    /// - Throws: `SomaError` naming the file that cannot be read.
    public func fingerprint() throws -> DataFingerprint {
        var (hash, count) = (SHA256(), 0)
        for path in paths {
            let source = try ByteSource(path: path)
            try source.forEachPiece {
                hash.update($0)
                count += $0.count
            }
            // A text cut into other files is another.
            withUnsafeBytes(of: Int64(source.count).littleEndian) { hash.update($0) }
        }
        return DataFingerprint(.text, parts: [.init(count: count, hash: hash.digest())])
    }
}

/// All text files below a folder.
private struct TextFolderScan {
    private(set) var files: [[UInt8]] = []
    private var seen: Set<FolderEntry.Identity> = []

    /// Folders below folders beyond this depth are a mistake.
    private static let deepest = 32

    init(_ root: [UInt8]) throws { try scan(root, depth: 0) }

    private mutating func scan(_ folder: [UInt8], depth: Int) throws {
        // A link may lead back to a folder above it.
        guard let identity = FolderEntry.Identity(folder), seen.insert(identity).inserted else { return }
        guard depth <= Self.deepest else { throw SomaError("\(folder.pathText) lies more than \(Self.deepest) folders deep") }
        for entry in try FolderEntry.list(folder) where !entry.isHidden {
            let path = folder + [UInt8(ascii: "/")] + entry.name
            switch entry.kind {
            case .folder: try scan(path, depth: depth + 1)
            case .file where Self.isText(entry.name): files.append(path)
            case .file, .other: break
            }
        }
    }

    private static func isText(_ name: [UInt8]) -> Bool {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return TextFiles.endings.contains(String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased())
    }
}
