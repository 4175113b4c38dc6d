import OpenCLBackend
import Soma

// A name is that of a column of Kernels/tuning/matmul.txt, and how A and B lie: as they are read (n) or transposed (t).
extension KernelCase {
    static func products(_ gpu: AbsentGPU) -> [KernelCase] {
        gpu.tiledProducts(.matmul).flatMap { product in
            let (m, n, k) = (product.m, product.n, 1024), name = "matmul-\(product.column)"
            return [
                KernelCase("\(name)-nn", [m, k], [k, n]) { [matmul($0[0], $0[1])] },
                KernelCase("\(name)-nt", [m, k], [n, k]) { [matmul($0[0], $0[1].transposed())] },
                KernelCase("\(name)-tn", [k, m], [k, n]) { [matmul($0[0].transposed(), $0[1])] },
                KernelCase("\(name)-tt", [k, m], [n, k]) { [matmul($0[0].transposed(), $0[1].transposed())] },
                KernelCase("\(name)-gelu", [m, k], [n, k], [n]) { [gelu(matmul($0[0], $0[1].transposed()) + $0[2])] },
                // Nothing that is a multiple of four: numbers are read one by one.
                KernelCase("\(name)-odd", [m - 1, k - 1], [k - 1, n - 1]) { [matmul($0[0], $0[1])] },
            ]
        } + gpu.splitProducts(.matmul).map { product in
            // A gradient of weights.
            KernelCase("matmul-\(product.column)-split", [65536, product.m], [65536, product.n]) { [matmul($0[0].transposed(), $0[1])] }
        } + [KernelCase("matmul-large-wide", [65536, 65536], [65536, 65536]) { [matmul($0[0], $0[1])] }]
    }
}
