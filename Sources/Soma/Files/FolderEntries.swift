import Glibc

/// What a folder holds, in the order of the bytes of the composed names: the same on every machine, whichever form it keeps names in.
struct FolderEntry {
    enum Kind { case folder, file, other }

    /// As the system spells it, which need not be UTF-8.
    let name: [UInt8]
    let kind: Kind

    var isHidden: Bool { name.first == UInt8(ascii: ".") }
    var text: String { String(decoding: name, as: UTF8.self) }

    /// - Throws: `SomaError` where the folder cannot be read.
    static func list(_ folder: [UInt8]) throws -> [FolderEntry] {
        guard let listing = folder.withPath({ opendir($0) }) else {
            throw SomaError.system("cannot read the folder \(folder.pathText)")
        }
        defer { closedir(listing) }
        var entries: [FolderEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(listing) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name == Array(".".utf8) || name == Array("..".utf8) { continue }
            entries.append(FolderEntry(name: name, kind: kind(entry.pointee.d_type, folder, name)))
        }
        guard errno == 0 else {
            throw SomaError.system("cannot read the folder \(folder.pathText)")
        }
        return inOrder(entries)
    }

    private static func inOrder(_ entries: [FolderEntry]) -> [FolderEntry] {
        let named = entries.map { (name: $0.name.composed, entry: $0) }
        return named.sorted { a, b in
            a.name == b.name ? a.entry.name.lexicographicallyPrecedes(b.entry.name) : a.name.lexicographicallyPrecedes(b.name)
        }.map(\.entry)
    }

    /// Only what the listing leaves open is looked at: a large data set has a million files.
    private static func kind(_ type: UInt8, _ folder: [UInt8], _ name: [UInt8]) -> Kind {
        switch Int(type) {
        case Int(DT_DIR): return .folder
        case Int(DT_REG): return .file
        case Int(DT_LNK), Int(DT_UNKNOWN):
            guard let status = status(folder + [UInt8(ascii: "/")] + name) else { return .file }
            return status.st_mode & S_IFMT == S_IFDIR ? .folder : status.st_mode & S_IFMT == S_IFREG ? .file : .other
        default: return .other
        }
    }

    /// What tells a folder from every other, whatever the path to it.
    struct Identity: Hashable {
        let device, inode: UInt64

        init?(_ path: [UInt8]) {
            guard let status = FolderEntry.status(path) else { return nil }
            (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
        }
    }

    static func status(_ path: [UInt8]) -> stat? {
        var status = stat()
        return path.withPath { stat($0, &status) } == 0 ? status : nil
    }
}
