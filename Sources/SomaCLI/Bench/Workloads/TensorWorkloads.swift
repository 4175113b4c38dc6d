import Soma

extension Workload {
    /// A matrix product of two n × n matrices: 2 n³ operations.
    static func gemm(_ size: Int) -> Workload {
        let (n, operations) = (Double(size), 2 * Double(size) * Double(size) * Double(size))
        return Workload(
            "gemm_\(size)", .rate(operations / 1e9, "GFLOP/s"), "matrix product, \(size)×\(size)",
            work: Work(operations: operations, bytesRead: 8 * n * n, bytesWritten: 4 * n * n), isLarge: size > 2048
        ) { device in
            let (a, b) = (try normal([size, size]), try normal([size, size]))
            let step = compiled { matmul($0, $1) }
            return .waiting(for: device) { _ = try step(a, b) }
        }
    }

    /// gelu(x · a + b) · c + x: each element is read and written once.
    static let chain = streaming("chain_16m", "gelu(x·a + b)·c + x over 16 M numbers", [count16M], operations: 5) { { geluTanh($0 * 1.25 + 0.5) * 0.75 + $0 } }

    /// The least that a map can do: what the memory of the device gives.
    static let copy = streaming("copy_16m", "−x over 16 M numbers: what the memory gives", [count16M], operations: 1) { { -$0 } }

    static let softmax = streaming("softmax_8192x1024", "softmax over rows of 1,024", [8192, 1024], operations: 5) { { $0.softmax(alongAxis: -1) } }

    static let layerNorm = streaming("layernorm_8192x1024", "layer normalisation over rows of 1,024", [8192, 1024], operations: 8) {
        let layer = LayerNorm(1024)
        return { layer($0) }
    }

    static let sum = Workload(
        "sum_16m", .rate(4 * Double(count16M) / 1e9, "GB/s"), "sum of 16 M numbers", work: Work(operations: Double(count16M), bytesRead: 4 * Double(count16M))
    ) { device in
        let x = try normal([count16M])
        let step = compiled { $0.sum() }
        return .waiting(for: device) { _ = try step(x) }
    }

    private static let count16M = 16 << 20

    /// A function that gives as many elements as it takes: 8 bytes move for each.
    /// - Parameter operations: scalar functions for each element, such as max, −, exp, + and ÷ of a softmax.
    private static func streaming(
        _ name: String, _ summary: String, _ shape: Shape, operations: Double, _ body: @escaping @Sendable () -> @Sendable (Tensor) -> Tensor
    ) -> Workload {
        let bytes = 4 * Double(shape.count)
        let work = Work(operations: operations * Double(shape.count), bytesRead: bytes, bytesWritten: bytes)
        return Workload(name, .rate(2 * bytes / 1e9, "GB/s"), summary, work: work) { device in
            let x = try normal(shape)
            let function = body()
            let step = compiled { function($0) }
            return .waiting(for: device) { _ = try step(x) }
        }
    }

    private static func normal(_ shape: Shape) throws -> Tensor { try Tensor.randomNormal(shape).realize() }
}
