import Soma

extension Workload {
    /// A matrix product of two n × n matrices: 2 n³ operations.
    static func gemm(_ size: Int) -> Workload {
        Workload("gemm_\(size)", "GFLOP/s", "matrix product, \(size)×\(size)", value: { 2 * Double(size * size * size) / $0 / 1e9 }) { device in
            let (a, b) = (try normal([size, size]), try normal([size, size]))
            let step = compiled { matmul($0, $1) }
            return waiting(for: device) { _ = try step(a, b) }
        }
    }

    /// gelu(x · a + b) · c + x: each element is read and written once.
    static let chain = elementwise("chain_16m", "gelu(x·a + b)·c + x over 16 M numbers") { geluTanh($0 * 1.25 + 0.5) * 0.75 + $0 }

    /// The least that a map can do: what the memory of the device gives.
    static let copy = elementwise("copy_16m", "−x over 16 M numbers: what the memory gives") { -$0 }

    static let sum = Workload("sum_16m", "GB/s", "sum of 16 M numbers", value: gigabytes(4 * count16M)) { device in
        let x = try normal([count16M])
        let step = compiled { $0.sum() }
        return waiting(for: device) { _ = try step(x) }
    }

    static let softmax = rows("softmax_8192x1024", "softmax over rows of 1,024") { { $0.softmax(alongAxis: -1) } }

    static let layerNorm = rows("layernorm_8192x1024", "layer normalisation over rows of 1,024") {
        let layer = LayerNorm(1024)
        return { layer($0) }
    }

    private static let count16M = 16 << 20

    private static func elementwise(_ name: String, _ summary: String, _ body: @escaping @Sendable (Tensor) -> Tensor) -> Workload {
        Workload(name, "GB/s", summary, value: gigabytes(8 * count16M)) { device in
            let x = try normal([count16M])
            let step = compiled { body($0) }
            return waiting(for: device) { _ = try step(x) }
        }
    }

    private static func rows(
        _ name: String, _ summary: String, _ body: @escaping @Sendable () -> @Sendable (Tensor) -> Tensor
    ) -> Workload {
        Workload(name, "GB/s", summary, value: gigabytes(8 * 8192 * 1024)) { device in
            let x = try normal([8192, 1024])
            let function = body()
            let step = compiled { function($0) }
            return waiting(for: device) { _ = try step(x) }
        }
    }

    private static func gigabytes(_ count: Int) -> @Sendable (Double) -> Double { { Double(count) / $0 / 1e9 } }

    private static func normal(_ shape: Shape) throws -> Tensor { try Tensor.randomNormal(shape).realize() }

    private static func waiting(for device: Device, _ work: @escaping () throws -> Void) -> () throws -> Void {
        {
            try work()
            try device.synchronize()
        }
    }
}
