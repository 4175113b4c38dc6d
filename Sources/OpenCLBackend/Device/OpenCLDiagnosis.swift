#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLibraries

extension OpenCLDevice {
    /// What was looked for on the way to a device, what came of it and what to do, a line each.
    public static func diagnosis() -> [String] {
        var lines = [line(cl.pointee.search)]
        if !cl.pointee.search.found { lines.append("  install the OpenCL loader (Debian: ocl-icd-libopencl1)") }
        let icds = ICDFile.installed()
        lines += icds.isEmpty ? ["no ICD file in \(ICDFile.folders().joined(separator: ", "))"] : icds.map(\.line)
        if let advice = NVIDIADriver.advice(icds) { lines.append(advice) }
        lines += discovery.platforms.map { "platform \($0)" }
        if cl.pointee.search.found && discovery.platforms.isEmpty { lines.append("no platform: no driver is installed, or none of its ICD files is right") }
        lines += discovery.problems
        lines += discovery.devices.map { "\($0.name): \($0.model), driver \($0.driver)" }
        // CLBlast itself loads libOpenCL: only where that is there.
        if cl.pointee.search.found { lines.append(line(libraries_clblast_table().pointee.search)) }
        return lines
    }

    private static func line(_ search: library_search) -> String {
        let reason = withUnsafeBytes(of: search.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let (name, file) = (String(cString: search.name), String(cString: search.file))
        return search.found ? "\(name): \(file) found" : "\(name): not found: \(reason)"
    }
}

/// A file that tells the OpenCL loader of a driver's library.
struct ICDFile {
    let path: String
    let library: String
    /// Why the library does not open; `nil` where it does.
    let problem: String?

    var line: String { "ICD file \(path): \(library)\(problem.map { ", which does not open: \($0)" } ?? "")" }

    /// Where the loaders look: `OCL_ICD_VENDORS` (a folder, or one file), `OPENCL_VENDOR_PATH`, or /etc/OpenCL/vendors.
    static func folders() -> [String] {
        for name in ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"] {
            if let value = getenv(name), value.pointee != 0 { return [String(cString: value)] }
        }
        return ["/etc/OpenCL/vendors"]
    }

    static func installed() -> [ICDFile] {
        folders().flatMap { folder in
            if folder.hasSuffix(".icd") { return [ICDFile(path: folder)] }
            return names(in: folder).filter { $0.hasSuffix(".icd") }.sorted().map { ICDFile(path: "\(folder)/\($0)") }
        }
    }

    private init(path: String) {
        self.path = path
        library = Self.firstLine(of: path)
        if let handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL) {
            dlclose(handle)
            problem = nil
        } else {
            problem = dlerror().map { String(cString: $0) } ?? "no reason given"
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }

    private static func firstLine(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self).trimmingSpaces()
    }
}

/// Containers often get NVIDIA's driver without the file that announces its OpenCL.
enum NVIDIADriver {
    static func advice(_ icds: [ICDFile]) -> String? {
        guard access("/proc/driver/nvidia/version", F_OK) == 0 || access("/dev/nvidiactl", F_OK) == 0 else { return nil }
        if icds.contains(where: { $0.library.contains("nvidia") && $0.problem == nil }) { return nil }
        guard let handle = dlopen("libnvidia-opencl.so.1", RTLD_LAZY | RTLD_LOCAL) else {
            return "an NVIDIA driver is here, but not its libnvidia-opencl.so.1: install it (in a container: NVIDIA_DRIVER_CAPABILITIES=compute,utility)"
        }
        dlclose(handle)
        return "an NVIDIA driver is here without an ICD file: mkdir -p /etc/OpenCL/vendors && echo libnvidia-opencl.so.1 > /etc/OpenCL/vendors/nvidia.icd"
    }
}
