import Glibc
import Soma

/// Where a run keeps its files. While it is open no other run can use it.
final class RunFolder {
    let path: String
    private var lock: Int32 = -1

    init(path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    deinit { if lock >= 0 { close(lock) } }

    /// Makes the folder ready. An earlier run in it is moved aside unless it is resumed.
    /// - Returns: where the earlier run is now.
    /// - Throws: `SomaError` where the folder cannot be made or is in use.
    func open(resumes: Bool) throws -> String? {
        try Self.make(path)
        try takeLock()
        guard !resumes, hasRun else { return nil }
        let other = try moveAside()
        try Self.make(path)
        try takeLock()
        return other
    }

    private var hasRun: Bool { ["config.json", "last.safetensors"].contains { access("\(path)/\($0)", F_OK) == 0 } }

    /// Renames the folder to the first free `NAME.1`, `NAME.2`, …
    private func moveAside() throws -> String {
        for number in 1... {
            let other = "\(path).\(number)"
            if access(other, F_OK) == 0 { continue }
            guard rename(path, other) == 0 else {
                throw SomaError(
                    "\(path) holds an earlier run that cannot be moved aside: \(String(cString: strerror(errno)))",
                    hint: "resume it, or name another folder by --output")
            }
            return other
        }
        return path
    }

    /// The lock goes with this process, however that ends.
    private func takeLock() throws {
        if lock >= 0 { close(lock) }
        lock = Glibc.open("\(path)/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard lock >= 0 else { throw SomaError("cannot write to \(path): \(String(cString: strerror(errno)))") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw SomaError("another run is using \(path)", hint: "name another folder by --output")
        }
    }

    /// Makes a folder and those above it where they are missing.
    static func make(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw SomaError("\(path) is no folder") }
            return
        }
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try make(String(path[..<slash])) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw SomaError("cannot make the folder \(path): \(String(cString: strerror(errno)))")
        }
    }
}
