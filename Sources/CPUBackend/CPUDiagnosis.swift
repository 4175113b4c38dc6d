import CLibraries
import CPUKernels

extension CPUBackend {
    /// What is used of this machine and what was looked for, a line each.
    public static func diagnosis() -> [String] {
        let (level, team) = (String(cString: soma_level_name(0)), String(cString: soma_team_description()))
        return [
            "\(Processor.model): \(level), \(soma_team_size()) threads, \(team)",
            line(libraries_openblas_table().pointee.search, package: "libopenblas0-openmp", without: "only SOMA_MATMUL=openblas asks for it"),
            line(
                libraries_onednn_table().pointee.search, package: "libdnnl3 or libdnnl2",
                without: "convolutions that suit none of the own kernels copy windows and multiply matrices, which is slower"),
            line(libraries_openmp_table().pointee.search, package: "libgomp1"),
        ]
    }

    private static func line(_ search: library_search, package: String, without: String = "it works without, but slower") -> String {
        let (name, file) = (String(cString: search.name), String(cString: search.file))
        if search.found { return "\(name): \(file) found" }
        let reason = withUnsafeBytes(of: search.reason) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return "\(name): not found: \(reason); \(without) (Debian: \(package))"
    }
}
