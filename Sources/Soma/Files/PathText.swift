/// Paths as text, taken apart by their bytes: a name may begin with an accent, which Swift would join with the `/` before it.
package enum PathText {
    private static let slash = UInt8(ascii: "/")

    /// The folder that a file lies in, `.` where the path names none, and its name in it.
    package static func split(_ path: String) -> (folder: String, name: String) {
        let bytes = path.utf8
        guard let end = bytes.lastIndex(of: slash) else { return (".", path) }
        let folder = end == bytes.startIndex ? "/" : String(decoding: bytes[..<end], as: UTF8.self)
        return (folder, String(decoding: bytes[bytes.index(after: end)...], as: UTF8.self))
    }

    package static func folder(of path: String) -> String { split(path).folder }

    package static func isAbsolute(_ path: String) -> Bool { path.utf8.first == slash }

    /// The same without a slash at its end.
    package static func withoutLastSlash(_ path: String) -> String {
        path.utf8.count > 1 && path.utf8.last == slash ? String(decoding: path.utf8.dropLast(), as: UTF8.self) : path
    }
}
