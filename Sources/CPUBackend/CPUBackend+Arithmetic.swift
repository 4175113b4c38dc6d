import CLibraries
import CPUKernels

extension CPUBackend {
    public var remark: String? {
        soma_kernels_are_optimized()
            ? nil : "the loops of this build are not optimised, so that training takes five to six times as long: build with -c release, or with -Xcc -O2"
    }

    public var arithmetic: [String: String] {
        ["processor": Processor.model, "vectors": String(cString: soma_level_name(0)), "products": Self.products, "convolutions": Self.convolutions]
    }

    /// The number of threads decides bits where a library multiplies.
    private static var products: String {
        switch MatmulKernel.wanted {
        case .own: "own kernels"
        case .openBLAS: "\(openBLAS) on \(threads)"
        case .oneDNN: "\(oneDNN) on \(threads)"
        }
    }

    private static var convolutions: String {
        let winograd = library_is_hidden("winograd") ? "" : ", Winograd"
        guard libraries_onednn_table().pointee.search.found else { return "own kernels" + winograd }
        // Without OpenMP the parts of a filter's gradient are not oneDNN's.
        return oneDNN + winograd + (libraries_openmp_table().pointee.search.found ? "" : ", own gradients of filters")
    }

    private static var oneDNN: String {
        let table = libraries_onednn_table().pointee
        let instructions = table.instructions.map { ", instructions \(String($0(), radix: 16))" } ?? ""
        return "oneDNN \(table.major).\(table.minor).\(table.patch)\(instructions)"
    }

    private static var openBLAS: String {
        libraries_openblas_table().pointee.config?().map { String(cString: $0) } ?? "OpenBLAS"
    }

    private static var threads: String { soma_team_size() == 1 ? "1 thread" : "\(soma_team_size()) threads" }
}
