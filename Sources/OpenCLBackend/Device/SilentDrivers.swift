#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Drivers that gave no answer when they were last looked at, so that no other process waits for them too.
///
/// Each has a file beside the compiled programs, whose name is a hash of what can change the answer: the library's path, size and time of change, and
/// the start of the machine, since that cures what a device does to its driver.
struct SilentDrivers: Sendable {
    /// `nil` where nothing is kept.
    let folder: String?

    static let standard = SilentDrivers(cache: ProgramCache.standardFolder())

    /// - Parameter cache: the folder of compiled programs.
    init(cache: String?) {
        folder = cache.flatMap { $0.isEmpty || WholeFile.distrust($0) != nil ? nil : "\($0)/drivers" }
    }

    /// How a driver failed, where it did.
    func death(of driver: ICDFile) -> OpenCLSurvey.Death? {
        guard let path = path(driver), let bytes = try? WholeFile(path: path).read(limit: 1 << 12) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
        guard lines.count == 4, lines[0] == Self.title, lines[1] == driver.library, lines[3] == "end" else { return nil }
        return OpenCLSurvey.Death(description: lines[2], isSilence: true)
    }

    /// Keeps that a driver gave no answer.
    /// - Returns: whether other processes will know of it.
    func note(_ driver: ICDFile, _ death: OpenCLSurvey.Death) -> Bool {
        guard let path = path(driver) else { return false }
        let reason = death.description.split(whereSeparator: \.isNewline).joined(separator: " ")
        let text = [Self.title, driver.library, reason, "end", ""].joined(separator: "\n")
        return (try? WholeFile(path: path).write(Array(text.utf8), isSynced: false)) != nil
    }

    func forgetAll() {
        guard let folder, let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".txt") { unlink("\(folder)/\(name)") }
        }
    }

    private static let title = "soma driver 1"

    /// `nil` where nothing is kept, or the library is not found.
    private func path(_ driver: ICDFile) -> String? {
        guard let folder, let library = Self.file(of: driver.library) else { return nil }
        var status = stat()
        guard stat(library, &status) == 0 else { return nil }
        let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return "\(folder)/\(ProgramCache.key([library, "\(status.st_size)", time, Self.start])).txt"
    }

    /// Where the linker finds a library; `nil` for other places than the usual ones.
    private static func file(of library: String) -> String? {
        if library.utf8.contains(UInt8(ascii: "/")) { return library }
        let named = (environmentVariable("LD_LIBRARY_PATH") ?? "").split(separator: ":").map(String.init)
        let roots = ["/usr/local/lib", "/lib", "/usr/lib"], kinds = ["", "64", "/x86_64-linux-gnu", "/aarch64-linux-gnu"]
        let folders = named + roots.flatMap { root in kinds.map { root + $0 } }
        return folders.map { "\($0)/\(library)" }.first { access($0, F_OK) == 0 }
    }

    /// What tells one start of the machine from another.
    private static let start: String = {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return "" }
        return String(decoding: line.prefix { $0 > 0x20 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
