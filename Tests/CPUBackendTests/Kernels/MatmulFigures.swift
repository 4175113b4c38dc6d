import CLibraries
import CPUKernels
import Glibc
import Testing

extension CPUBackendTests.KernelTests {
    /// Prints how fast this project's product, OpenBLAS and oneDNN are, the best of interleaved rounds; the rule in
    /// MatmulKernel.swift rests on it. Run it in a release build on a quiet machine: `SOMA_MEASURE=1`.
    @Test(.enabled(if: getenv("SOMA_MEASURE") != nil)) func matmulFigures() {
        let shapes = [
            Product(m: 256, n: 256, k: 256), Product(m: 512, n: 512, k: 512), Product(m: 512, n: 512, k: 512, transposesB: true),
            Product(m: 1024, n: 1024, k: 1024), Product(m: 2048, n: 2048, k: 2048),
            Product(m: 128, n: 512, k: 784, transposesB: true), Product(m: 128, n: 256, k: 512, transposesB: true),
            Product(m: 128, n: 10, k: 256, transposesB: true), Product(m: 784, n: 512, k: 128, transposesA: true),
            Product(m: 512, n: 784, k: 128, transposesA: true), Product(m: 512, n: 256, k: 128, transposesA: true),
            Product(m: 256, n: 10, k: 128, transposesA: true), Product(m: 128, n: 512, k: 256), Product(m: 128, n: 256, k: 10),
            Product(m: 2048, n: 64, k: 64), Product(m: 64, n: 64, k: 64), Product(m: 512, n: 1, k: 512),
        ]
        print("GFLOP/s of own, OpenBLAS, oneDNN on \(soma_team_size()) threads")
        for shape in shapes { print(shape.title, shape.figures().map { String(Int($0.rounded())) }.joined(separator: " / ")) }
    }
}

extension Product {
    fileprivate var title: String { "\(m)×\(n)×\(k) \(transposesA ? "T" : "N")\(transposesB ? "T" : "N")" }

    /// The best of 25 rounds of each.
    fileprivate func figures() -> [Double] {
        var random = Random(state: 4)
        let x = random.floats(a.count), y = random.floats(b.count)
        var z = [Float](repeating: 0, count: c.count)
        let flops = 2 * Double(m) * Double(n) * Double(k)
        var best = [Double](repeating: .infinity, count: 3)
        for _ in 0..<25 {
            for who in 0..<3 {
                let repetitions = max(1, Int(2e6 / flops))
                let start = now()
                for _ in 0..<repetitions { run(who, x, y, &z) }
                best[who] = min(best[who], (now() - start) / Double(repetitions))
            }
        }
        return best.map { flops / $0 / 1e9 }
    }

    private func run(_ who: Int, _ x: [Float], _ y: [Float], _ z: inout [Float]) {
        let leadingA = transposesA ? m : k, leadingB = transposesB ? k : n
        switch who {
        case 0:
            var descriptor = descriptor
            _ = soma_matmul_run(&descriptor, x, y, &z)
        case 1:
            libraries_openblas_table().pointee.sgemm?(
                101, transposesA ? 112 : 111, transposesB ? 112 : 111, Int32(m), Int32(n), Int32(k), 1, x, Int32(leadingA), y, Int32(leadingB), 0, &z, Int32(n))
        default:
            let letters: [CChar] = [78, 84]
            _ = libraries_onednn_table().pointee.sgemm?(
                letters[transposesA ? 1 : 0], letters[transposesB ? 1 : 0], Int64(m), Int64(n), Int64(k), 1, x, Int64(leadingA), y, Int64(leadingB), 0, &z, Int64(n))
        }
    }
}

private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
