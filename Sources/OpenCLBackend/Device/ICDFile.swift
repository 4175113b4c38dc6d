#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLibraries

/// How the OpenCL loader is told of a driver's library.
struct ICDFile: Hashable {
    /// Of the file, or the variable that names the library itself.
    let path: String
    let library: String

    /// Where the loaders look: `OCL_ICD_VENDORS` (a folder, a file, with ocl-icd a library too), `OPENCL_VENDOR_PATH`, or /etc/OpenCL/vendors.
    static func folders() -> [String] {
        for name in ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"] {
            if let value = environmentVariable(name), !value.isEmpty { return [value] }
        }
        return ["/etc/OpenCL/vendors"]
    }

    /// Libraries that `OCL_ICD_FILENAMES` names besides, with colons between them. Khronos' loader reads it, ocl-icd does not.
    static var named: [String] { (environmentVariable("OCL_ICD_FILENAMES") ?? "").split(separator: ":").map(String.init) }

    /// Every driver that the loader is told of.
    static func installed() -> [ICDFile] {
        let extra = opencl_loader_is_ocl_icd() ? [] : named.map { ICDFile(path: "OCL_ICD_FILENAMES", library: $0) }
        return extra + folders().flatMap { place -> [ICDFile] in
            if place.hasSuffix(".icd") { return [ICDFile(path: place, library: firstLine(of: place))] }
            if place.split(separator: "/").last?.contains(".so") == true { return [ICDFile(path: "OCL_ICD_VENDORS", library: place)] }
            return names(in: place).filter { $0.hasSuffix(".icd") }.sorted().map { name in
                ICDFile(path: "\(place)/\(name)", library: firstLine(of: "\(place)/\(name)"))
            }
        }
    }

    /// What came of the library, for a person.
    func line(_ problem: String?) -> String {
        "\(path.hasSuffix(".icd") ? "ICD file " : "")\(path): \(library)\(problem.map { ", which does not open: \($0)" } ?? "")"
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
        guard let bytes = try? WholeFile(path: path).read(limit: 1 << 16) else { return "" }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }, as: UTF8.self).trimmingSpaces()
    }
}
