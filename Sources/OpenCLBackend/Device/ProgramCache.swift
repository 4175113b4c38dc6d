#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import Synchronization

/// Compiled programs on disk, so that a second run of a program starts without compiling.
///
/// A file's name is a hash of all that can change its content: source, options, device, driver, platform. It is written aside and renamed, so that
/// a reader never sees half a file, and carries a hash of its content, so that a damaged one is taken for none. A folder that cannot be written
/// costs nothing but the time to compile, and one line on standard error; so does one that another user owns or all may write, since the
/// programs in it would run as this user. The programs that were used longest ago make room for new ones.
struct ProgramCache: Sendable {
    /// Where the files lie; `nil` keeps none.
    let folder: String?
    /// Why there is none although one was named.
    let refusal: String?
    private static let magic: [UInt8] = Array("SOMACL01".utf8)

    /// `SOMA_CACHE`, else `XDG_CACHE_HOME/soma`, else `~/.cache/soma`; an empty `SOMA_CACHE` turns the cache off.
    static let standard = ProgramCache(folder: standardFolder())

    init(folder: String?, complain: (String) -> Void = complain) {
        guard let folder, !folder.isEmpty, let reason = WholeFile.distrust(folder) else {
            (self.folder, refusal) = (folder, nil)
            return
        }
        (self.folder, refusal) = (nil, "\(folder): \(reason)")
        guard !Self.hasComplained.exchange(true, ordering: .relaxed) else { return }
        complain("soma: \(folder) is not used to keep compiled programs: \(reason); every run compiles them (SOMA_CACHE names another folder)")
    }

    static func standardFolder() -> String? {
        if let folder = environmentVariable("SOMA_CACHE") { return folder.isEmpty ? nil : folder }
        if let folder = environmentVariable("XDG_CACHE_HOME"), folder.utf8.first == UInt8(ascii: "/") { return folder + "/soma" }
        guard let home = environmentVariable("HOME"), home.utf8.first == UInt8(ascii: "/") else { return nil }
        return home + "/.cache/soma"
    }

    /// The name under which a program with these ingredients is kept.
    static func key(_ ingredients: [String]) -> String {
        var hash = Hash128()
        for ingredient in ingredients {
            hash.add(ingredient.utf8)
            hash.add(CollectionOfOne(0xFF))  // no UTF-8: keeps neighbours apart
        }
        return hash.hexadecimal
    }

    /// The program kept under `key`, if there is an undamaged one.
    func read(_ key: String) -> [UInt8]? {
        guard let path = path(key), let bytes = try? WholeFile(path: path).read(limit: .max) else { return nil }
        let header = Self.magic.count + 16
        guard bytes.count > header, bytes.starts(with: Self.magic) else { return nil }
        let content = bytes[header...]
        guard Hash128(content).bytes.elementsEqual(bytes[Self.magic.count..<header]) else { return nil }
        touch(path)
        return Array(content)
    }

    /// Keeps a program; where it cannot, says so once.
    func write(_ content: [UInt8], _ key: String, complain: (String) -> Void = complain) {
        guard let folder, let path = path(key) else { return }
        do throws(WholeFile.Failure) {
            try WholeFile(path: path).write(Self.magic + Hash128(content).bytes + content, isSynced: false)
            trimSometimes()
        } catch {
            guard !Self.hasComplained.exchange(true, ordering: .relaxed) else { return }
            complain("soma: cannot keep compiled programs in \(folder): \(error.reason); every run compiles them (SOMA_CACHE names another folder)")
        }
    }

    /// Whether this process has told that programs cannot be kept.
    static let hasComplained = Atomic(false)

    /// Forgets all programs.
    func removeAll() {
        for name in names() { unlink("\(folder ?? "")/\(name)") }
    }

    /// Forgets a program that turned out not to load.
    func remove(_ key: String) {
        if let path = path(key) { unlink(path) }
    }

    private func path(_ key: String) -> String? { folder.flatMap { $0.isEmpty ? nil : "\($0)/\(key).clbin" } }
}

func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The FNV-1a hash of 128 bits (Fowler, Noll, Vo; RFC 9923): for names of files, not against adversaries.
struct Hash128 {
    private var state: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D

    init() {}
    init(_ bytes: some Sequence<UInt8>) { add(bytes) }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013B }
    }

    var bytes: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: state >> (8 * (15 - $0))) } }

    var hexadecimal: String {
        let text = String(state, radix: 16)
        return String(repeating: "0", count: 32 - text.count) + text
    }
}
