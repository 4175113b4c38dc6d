/// The SHA-256 that a file must have, in hexadecimal.
public enum Checksum: Hashable, Sendable {
    /// The digest of the file itself.
    case file(sha256: String)
    /// The digest and the size of what a gzip file unpacks to, or of the file itself where it is not packed: the same
    /// data packed again by somebody else is as good.
    case content(sha256: String, byteCount: Int)

    /// Reads the file at `path` and compares its digest.
    /// - Throws: `SomaError` naming the file where it is missing or something else.
    public func verify(_ path: String) throws {
        switch self {
        case .file(let expected):
            try Self.compare(SHA256.digest(ofFile: path), expected, path)
        case .content(let expected, let byteCount):
            try Self.compare(Self.contentDigest(path, limit: byteCount), expected, path)
        }
    }

    private static func compare(_ digest: String, _ expected: String, _ path: String) throws {
        guard digest == expected.lowercased() else {
            throw SomaError("\(path) has the SHA-256 \(digest.prefix(12))… instead of \(expected.prefix(12))…")
        }
    }

    private static func contentDigest(_ path: String, limit: Int) throws -> String {
        let file = try ByteSource(path: path)
        var hash = SHA256()
        guard try file.isGzip else {
            try file.forEachPiece { hash.update($0) }
            return hash.digest()
        }
        var count = 0
        try GunzipStream(file, path: path).forEachPiece { piece in
            count += piece.count
            guard count <= limit else { throw SomaError("\(path) unpacks to more than \(limit) bytes") }
            hash.update(piece)
        }
        return hash.digest()
    }
}
