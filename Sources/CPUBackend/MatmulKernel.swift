import CLibraries
import CPUKernels
import Glibc
import SomaBackend

/// Who computes a matrix product, chosen once from its shape.
struct MatmulKernel {
    enum Choice: String { case own, openBLAS, oneDNN }

    private(set) var choice: Choice
    private let step: MatmulStep
    /// Row-major operands as the libraries take them: whether transposed, and the stride between rows in memory.
    private let a, b: (isTransposed: Bool, leading: Int)

    init(_ step: MatmulStep) {
        self.step = step
        a = MatmulKernel.layout(step.a.access.strides, rows: step.m, columns: step.k)
        b = MatmulKernel.layout(step.b.access.strides, rows: step.k, columns: step.n)
        choice = .own
        choice = choose()
    }

    /// A stride over an extent of 1 may be anything; a library wants one that spans a row.
    private static func layout(_ strides: [Int], rows: Int, columns: Int) -> (isTransposed: Bool, leading: Int) {
        strides[2] == 1 || columns == 1
            ? (false, rows == 1 ? columns : strides[1]) : (true, strides[2])
    }

    /// Whether a library can read the operands: none of their rows may overlap, and 32 bits, which OpenBLAS counts with, hold all numbers.
    private var suitsLibraries: Bool {
        step.k > 0 && max(step.m, step.n, step.k, a.leading, b.leading) <= Int(Int32.max)
            && a.leading >= (a.isTransposed ? step.m : step.k) && b.leading >= (b.isTransposed ? step.k : step.n)
    }

    /// The project's own kernel, whose bits do not depend on the number of threads; OpenBLAS and oneDNN, whose bits do, where the environment variable
    /// `SOMA_MATMUL` asks for one (`own`, `openblas`, `onednn`).
    ///
    /// GFLOP/s of own / OpenBLAS 0.3.21 / oneDNN 2.6 on one Zen 4 core with a peak of 117.5, best of 60 interleaved rounds (N: as it lies,
    /// T: transposed; `SOMA_MEASURE=1 swift test --filter matmulFigures` prints such a table):
    ///
    ///     256³ NN         112 / 106 / 114     784×512×128 TN  112 / 104 / 115     128×10×256 NT   63 / 48 / 45
    ///     512³ NN         112 / 105 / 116     512×784×128 TN  112 / 106 / 114     256×10×128 TN   95 / 97 / 50
    ///     512³ NT         111 / 105 / 112     512×256×128 TN  112 / 104 / 112     10×256×128 TN  107 / 114 / 104
    ///     128×512×784 NT  113 / 100 / 111     128×512×256 NN  110 / 103 / 116     128×256×10 NN   91 / 106 / 87
    ///     128×256×512 NT  110 / 99 / 99       2048×64×64 NN   111 / 97 / 104      64³ NN         106 / 115 / 99
    private func choose() -> Choice {
        suitsLibraries ? Self.wanted : .own
    }

    /// What `SOMA_MATMUL` asks for, where it is installed.
    static var wanted: Choice {
        switch getenv("SOMA_MATMUL").map({ String(cString: $0).lowercased() }) {
        case "openblas" where libraries_openblas_table().pointee.search.found: .openBLAS
        case "onednn" where libraries_onednn_table().pointee.search.found: .oneDNN
        default: .own
        }
    }

    func run(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        switch choice {
        case .own: try runOwn(a, b, c, nil)
        case .openBLAS: try forEachBatch(a, b, c, openBLAS)
        case .oneDNN: try forEachBatch(a, b, c, oneDNN)
        }
    }

    private func forEachBatch(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
        _ product: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) throws -> Void
    ) rethrows {
        for i in 0..<step.batch { try product(a + i * step.a.access.strides[0], b + i * step.b.access.strides[0], c + i * step.m * step.n) }
    }

    private func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) -> library_product {
        library_product(
            a_transposed: self.a.isTransposed, b_transposed: self.b.isTransposed, m: step.m, n: step.n, k: step.k, a: a, lda: self.a.leading,
            b: b, ldb: self.b.leading, c: c, ldc: step.n)
    }

    private func openBLAS(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        var product = product(a, b, c)
        if !libraries_openblas_multiply(&product) { throw BackendError.noLibraryMemory() }
    }

    private func oneDNN(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) throws {
        var product = product(a, b, c)
        if libraries_onednn_multiply(&product) { return }
        try BackendError.checkLibraryMemory()
        // Another kernel would give other bits than the products before.
        throw BackendError.unsupported("oneDNN, which SOMA_MATMUL asks for, refuses a product: leave SOMA_MATMUL out")
    }

    /// The product by the own kernel, and an epilogue if there is one.
    func runOwn(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ epilogue: UnsafePointer<soma_epilogue>?
    ) throws {
        let (sa, sb) = (step.a.access.strides, step.b.access.strides)
        var product = soma_matmul(
            rows: step.m, columns: step.n, depth: step.k, batch: step.batch, a_row: sa[1], a_depth: sa[2], a_batch: sa[0],
            b_depth: sb[1], b_column: sb[2], b_batch: sb[0], c_row: step.n, c_column: 1, c_batch: step.m * step.n, accumulate: false)
        guard soma_matmul_run_with(&product, a, b, c, epilogue) else { throw BackendError.noScratchMemory }
    }
}
