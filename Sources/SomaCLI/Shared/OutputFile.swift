import ArgumentParser
import Glibc
import Soma

/// A file that is written when all work is done.
enum OutputFile {
    /// Makes sure that a file can be written at `path`, which is left as it is.
    /// - Throws: `SomaError` that names it and the reason.
    static func check(_ path: String) throws {
        let (folder, name) = PathText.split(path)
        guard !name.isEmpty else {
            throw SomaError("cannot write '\(path)': it names no file")
        }
        // Nothing that is written here holds weights, and what is there may be all that is left of a run.
        if name.hasSuffix(".safetensors") { throw SomaError("cannot write \(path): what would be written is no checkpoint", hint: "name another file") }
        var status = stat()
        if stat(path, &status) == 0 {
            if status.st_mode & S_IFMT == S_IFDIR { throw SomaError("cannot write \(path): it is a folder") }
            if !isReplaced(path) {
                guard access(path, W_OK) == 0 else { throw SomaError("cannot write \(path): \(String(cString: strerror(errno)))") }
                return
            }
        }
        try AtomicFile.checkDestination(path)
        var template = Array("\(folder)/.soma-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw SomaError("cannot write \(path): \(String(cString: strerror(errno)))") }
        close(file)
        unlink(template)
    }

    /// Makes sure that a path does not promise another kind of file than is written; one without an extension promises none.
    /// - Parameter kind: the extension of what is written, in small letters.
    static func checkKind(of path: String, is kind: String, _ option: String) throws {
        let name = PathText.split(PathText.withoutLastSlash(path)).name
        guard !name.isEmpty else { throw ValidationError("\(option) names no file") }
        let parts = name.split(atEach: ".").filter { !$0.isEmpty }
        guard parts.count > 1, let last = parts.last, last.lowercased() != kind else { return }
        throw ValidationError("\(option) writes \(kind.uppercased()), which '\(path)' does not say")
    }

    /// Whether a path is a file's, or will be, and not that of a terminal, a pipe or a device, which are written to but once.
    static func isReplaced(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    }
}
