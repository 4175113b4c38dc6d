#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import Synchronization

extension ProgramCache {
    /// What the files may come to together: thousands of programs.
    static let mostBytes = 256 << 20

    private static let written = Atomic(0)

    /// Trims the folder at the first program that this process writes, and now and then after it.
    func trimSometimes() {
        if Self.written.wrappingAdd(1, ordering: .relaxed).oldValue % 64 == 0 { trim(to: Self.mostBytes) }
    }

    /// Forgets the programs that were read or written longest ago, until the rest have at most `limit` bytes.
    func trim(to limit: Int) {
        var files = programFiles()
        var total = files.reduce(0) { $0 + $1.byteCount }
        guard total > limit else { return }
        files.sort { ($0.used.tv_sec, $0.used.tv_nsec) < ($1.used.tv_sec, $1.used.tv_nsec) }
        for file in files where total > limit {
            unlink(file.path)
            total -= file.byteCount
        }
    }

    /// Notes that the program of a file was used.
    func touch(_ path: String) { _ = utimensat(AT_FDCWD, path, nil, 0) }

    private struct ProgramFile {
        var path: String
        var byteCount: Int
        var used: timespec
    }

    private func programFiles() -> [ProgramFile] {
        names().compactMap { name in
            var status = stat()
            let path = "\(folder ?? "")/\(name)"
            guard lstat(path, &status) == 0 else { return nil }
            return ProgramFile(path: path, byteCount: Int(status.st_size), used: status.st_mtim)
        }
    }

    /// The names of the files with programs.
    func names() -> [String] {
        guard let folder, !folder.isEmpty, let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".clbin") { names.append(name) }
        }
        return names
    }
}
