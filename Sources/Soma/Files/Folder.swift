import Glibc

enum Folder {
    /// Makes a folder and those above it, where they are missing.
    static func make(_ path: String) throws {
        guard mkdir(path, 0o777) != 0, errno != EEXIST else { return }
        let parent = PathText.folder(of: path)
        if errno == ENOENT && parent != path {
            try make(parent)
            if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        }
        throw SomaError.system("cannot make the folder \(path)")
    }
}
