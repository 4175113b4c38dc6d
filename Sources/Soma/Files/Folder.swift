import Glibc

enum Folder {
    /// Makes a folder and those above it, where they are missing.
    /// - Throws: `SomaError` where that is not possible, or something else has the name.
    static func make(_ path: String) throws {
        if mkdir(path, 0o777) == 0 { return }
        if errno == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw SomaError("\(path) is no folder", hint: "name another") }
            return
        }
        let parent = PathText.folder(of: path)
        if errno == ENOENT && parent != path {
            try make(parent)
            if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        }
        throw SomaError.system("cannot make the folder \(path)")
    }
}
