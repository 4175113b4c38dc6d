import CLibraries
import CPUKernels
import SomaBackend

/// Who computes a matrix product, chosen once from its shape.
struct MatmulKernel {
    enum Choice: String { case own, openBLAS, oneDNN }

    let choice: Choice
    private let step: MatmulStep
    /// Row-major operands as the libraries take them: whether transposed, and the stride between rows in memory.
    private let a, b: (isTransposed: Bool, leading: Int)

    init(_ step: MatmulStep) {
        self.step = step
        a = MatmulKernel.layout(step.a.access.strides)
        b = MatmulKernel.layout(step.b.access.strides)
        choice = MatmulKernel.choose(step)
    }

    private static func layout(_ strides: [Int]) -> (isTransposed: Bool, leading: Int) {
        strides[2] == 1 ? (false, strides[1]) : (true, strides[2])
    }

    /// At the sizes of small networks oneDNN is ahead, at large ones both libraries are equal, and where neither is installed the project's
    /// own kernel serves.
    private static func choose(_ step: MatmulStep) -> Choice {
        let isTiny = step.m * step.n * step.k < 1 << 12
        if isTiny || step.k == 0 { return .own }
        let openBLAS = libraries_openblas_table().pointee.sgemm != nil
        let oneDNN = libraries_onednn_table().pointee.sgemm != nil
        if oneDNN && (step.m * step.n * step.k < 1 << 27 || !openBLAS) { return .oneDNN }
        return openBLAS ? .openBLAS : .own
    }

    func run(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
        switch choice {
        case .own: runOwn(a, b, c)
        case .openBLAS: forEachBatch(a, b, c, openBLAS)
        case .oneDNN: forEachBatch(a, b, c, oneDNN)
        }
    }

    private func forEachBatch(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>,
        _ product: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        for i in 0..<step.batch { product(a + i * step.a.access.strides[0], b + i * step.b.access.strides[0], c + i * step.m * step.n) }
    }

    private func openBLAS(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
        let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
        libraries_openblas_table().pointee.sgemm?(
            rowMajor, self.a.isTransposed ? transposed : plain, self.b.isTransposed ? transposed : plain, Int32(step.m), Int32(step.n), Int32(step.k),
            1, a, Int32(self.a.leading), b, Int32(self.b.leading), 0, c, Int32(step.n))
    }

    private func oneDNN(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>) {
        func letter(_ isTransposed: Bool) -> CChar { CChar(bitPattern: UInt8(ascii: isTransposed ? "T" : "N")) }
        let status = libraries_onednn_table().pointee.sgemm?(
            letter(self.a.isTransposed), letter(self.b.isTransposed), Int64(step.m), Int64(step.n), Int64(step.k),
            1, a, Int64(self.a.leading), b, Int64(self.b.leading), 0, c, Int64(step.n))
        // A refusal is answered by the kernel that takes every shape.
        if status != 0 { runOwn(a, b, c, batch: 1) }
    }

    private func runOwn(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, batch: Int? = nil
    ) {
        let (sa, sb) = (step.a.access.strides, step.b.access.strides)
        var product = soma_matmul(
            rows: step.m, columns: step.n, depth: step.k, batch: batch ?? step.batch, a_row: sa[1], a_depth: sa[2], a_batch: sa[0],
            b_depth: sb[1], b_column: sb[2], b_batch: sb[0], c_row: step.n, c_column: 1, c_batch: step.m * step.n, accumulate: false)
        soma_matmul_run(&product, a, b, c)
    }
}
