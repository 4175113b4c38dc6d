import Glibc

/// Where a run keeps its files. While it is open no other run can use it.
public final class RunFolder {
    /// Without a slash at its end.
    public let path: String
    private var lock: FolderLock?
    /// The folders that were made for this run, the outermost first.
    private var made: [String] = []

    /// Why the folder keeps nobody out although it is taken; nil where it does.
    public var problem: String? { lock?.problem }

    /// The folder at `path`, which need not exist.
    public init(path: String) { self.path = PathText.withoutLastSlash(path) }

    /// Makes the folder and takes it; what is in it stays as it is.
    /// - Throws: `SomaError` where the folder cannot be made or is in use.
    public func open() throws {
        try make(path)
        lock = nil
        lock = try FolderLock(folder: path, name: ".lock")
        if lock == nil { throw SomaError("another run is using \(path)", hint: "name another folder by --output") }
    }

    /// Moves an earlier run aside, if there is one.
    /// - Returns: where it is now.
    /// - Throws: `SomaError` where that is not possible.
    public func clear() throws -> String? {
        guard hasRun else { return nil }
        let other = try moveAside()
        try open()
        return other
    }

    /// Takes what a run in another folder had come to: the checkpoint that it is resumed from, its best weights, and its metrics.
    /// - Returns: what came along and what did not, in words.
    /// - Throws: `SomaError` where a file cannot be copied.
    public func takeOver(_ checkpoint: Checkpoint, from origin: String) throws -> String {
        try AtomicFile.copy(checkpoint.path, to: "\(path)/last.safetensors", links: .replaced)
        var (taken, left): ([String], [String]) = ([], [])
        let metrics = "metrics.csv"
        if access("\(origin)/\(metrics)", F_OK) == 0 {
            try AtomicFile.copy("\(origin)/\(metrics)", to: "\(path)/\(metrics)", links: .replaced)
            taken.append(metrics)
        } else {
            left.append("there is no \(metrics)")
        }
        let best = "best.safetensors"
        if let weights = try? Checkpoint(path: "\(origin)/\(best)"), Self.isBest(weights, of: checkpoint) {
            try AtomicFile.copy(weights.path, to: "\(path)/\(best)", links: .replaced)
            taken.insert(best, at: 0)
        } else if checkpoint.metadata["best.value"] != nil {
            left.append("its best weights are not there")
        }
        let found = taken.isEmpty ? "nothing comes along from \(origin)" : "\(taken.joined(separator: " and ")) \(taken.count > 1 ? "come" : "comes") along from \(origin)"
        return ([found] + left).joined(separator: "; ")
    }

    /// Whether weights are those that a checkpoint calls the best so far.
    private static func isBest(_ weights: Checkpoint, of checkpoint: Checkpoint) -> Bool {
        ["best.value", "best.epoch"].allSatisfy { weights.metadata[$0] != nil && weights.metadata[$0] == checkpoint.metadata[$0] }
    }

    /// Removes the folder, and those above it, where this run has made them and nothing was written to them.
    public func discardIfEmpty() {
        lock?.remove()
        for folder in made.reversed() {
            // Fails where there is anything else.
            guard rmdir(folder) == 0 else { return }
        }
    }

    /// A run that was stopped before its first checkpoint and picture has left nothing to keep.
    private var hasRun: Bool {
        guard let listing = opendir(path) else { return false }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if !name.hasPrefix(".") && (name.hasSuffix(".safetensors") || name.hasSuffix(".svg")) { return true }
        }
        return false
    }

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

    /// Whether a path is that of a file that a run writes itself.
    package func isOwn(_ file: String) -> Bool {
        let (folder, name) = PathText.split(file)
        let names = ["config.json", "metrics.csv", "curves.svg", "best.safetensors", "last.safetensors"]
        return names.contains(name) && Self.absolute(folder) == Self.absolute(path)
    }

    /// Makes a folder and those above it where they are missing.
    private func make(_ path: String) throws {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw SomaError("\(path) is no folder") }
            return
        }
        let parent = PathText.folder(of: path)
        if parent != "." && parent != "/" { try make(parent) }
        if mkdir(path, 0o777) == 0 { return made.append(path) }
        guard errno == EEXIST else { throw SomaError("cannot make the folder \(path): \(String(cString: strerror(errno)))") }
        // Another run may have made it meanwhile; or it is a link that leads nowhere.
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw SomaError("\(path) is no folder") }
    }

    /// A path that means the same from every working directory; the path itself where that would lead through a folder whose name is no UTF-8.
    package static func absolute(_ path: String) -> String {
        if let whole = realpath(path, nil) {
            defer { free(whole) }
            return String(validatingCString: whole) ?? path
        }
        guard !PathText.isAbsolute(path), let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return String(validatingCString: current).map { "\($0)/\(path)" } ?? path
    }
}
