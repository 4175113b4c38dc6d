import Soma

/// Something to time on a device, defined as the peers' benchmark defines it.
struct Workload: Sendable {
    var name: String
    var metric: String
    var summary: String
    /// The metric's value for seconds a call.
    var value: @Sendable (_ seconds: Double) -> Double
    /// Makes the data on the current device; the closure is what is timed and returns when the result is there.
    var prepare: @Sendable () throws -> () throws -> Void

    static let all: [Workload] =
        [256, 512, 1024, 2048, 4096].map(gemm) + [chain, sum, softmax, layerNorm, mlp, tinyAdds, startup]

    /// The workloads that a comma list names; `gemm_*` names all that begin so, `all` every one.
    /// - Throws: `SomaError` for a name that there is not.
    static func named(_ list: String) throws -> [Workload] {
        try list.split(separator: ",").flatMap { name in
            let found = all.filter { workload in
                if name == "all" { return workload.name != "gemm_4096" }
                return name.hasSuffix("*") ? workload.name.hasPrefix(name.dropLast()) : workload.name == name
            }
            if found.isEmpty {
                throw SomaError("there is no workload \(name)", hint: "there are: \(all.map(\.name).joined(separator: ", "))")
            }
            return found
        }
    }

    // MARK: The workloads

    private static func gemm(_ n: Int) -> Workload {
        Workload(name: "gemm_\(n)", metric: "GFLOP/s", summary: "product of two \(n)×\(n) matrices", value: { 2 * Double(n * n * n) / $0 / 1e9 }) {
            let (a, b) = (try normal([n, n]), try normal([n, n]))
            return { try finish(matmul(a, b)) }
        }
    }

    private static let elements = 16 * 1024 * 1024

    private static let chain = Workload(
        name: "chain_16m", metric: "GB/s", summary: "gelu(x·a + b)·c + x over 16 Mi elements", value: { 8 * Double(elements) / $0 / 1e9 }
    ) {
        let x = try normal([elements])
        return { try finish(geluTanh(x * 1.25 + 0.5) * 0.75 + x) }
    }

    private static let sum = Workload(
        name: "sum_16m", metric: "GB/s", summary: "sum of 16 Mi elements", value: { 4 * Double(elements) / $0 / 1e9 }
    ) {
        let x = try normal([elements])
        return { try finish(x.sum()) }
    }

    private static let softmax = Workload(
        name: "softmax_8192x1024", metric: "GB/s", summary: "softmax of 8192 rows of 1024", value: { 8 * 8192 * 1024 / $0 / 1e9 }
    ) {
        let x = try normal([8192, 1024])
        return { try finish(x.softmax(alongAxis: -1)) }
    }

    private static let layerNorm = Workload(
        name: "layernorm_8192x1024", metric: "GB/s", summary: "layer norm of 8192 rows of 1024, with scale and shift",
        value: { 8 * 8192 * 1024 / $0 / 1e9 }
    ) {
        let x = try normal([8192, 1024])
        let norm = LayerNorm(1024)
        norm.parameters.forEach { parameter in _ = parameter.tensor }
        return { try finish(norm(x)) }
    }

    private static let mlp = Workload(
        name: "train_mlp", metric: "steps/s", summary: "784-512-256-10, ReLU, batch 128, Adam: forward, backward, update, loss read",
        value: { 1 / $0 }
    ) {
        let model = Sequential(Linear(from: 784, to: 512), ReLU(), Linear(from: 512, to: 256), ReLU(), Linear(from: 256, to: 10))
        let optimizer = try Optimizer(Adam(), for: model, learningRate: 1e-3)
        let x = try normal([128, 784])
        let labels = Tensor((0..<128).map { Int32($0 * 7 % 10) })
        let step = compiled { (x: Tensor, labels: Tensor) in
            let loss = crossEntropy(model(x), labels)
            try optimizer.update(minimizing: loss)
            return loss
        }
        return { _ = try step(x, labels).item() }
    }

    private static let tinyAdds = Workload(
        name: "tiny_adds", metric: "us/op", summary: "1000 lazy additions of 16 elements and one read", value: { $0 / 1000 * 1e6 }
    ) {
        let (x, y) = (try normal([16]), try normal([16]))
        return {
            var z = x
            for _ in 0..<1000 { z = z + y }
            try finish(z)
        }
    }

    /// The whole process up to the end of the first training step; measured by starting it.
    private static let startup = Workload(
        name: "startup", metric: "s_import+first_mlp_step", summary: "a new process, up to the end of its first step of train_mlp", value: { $0 }
    ) {
        let device = Device.current.description
        return { try FirstStep.launch(device: device) }
    }

    static func firstStep() throws { try mlp.prepare()() }

    private static func normal(_ shape: Shape) throws -> Tensor {
        let x = Tensor.randomNormal(shape)
        try finish(x)
        return x
    }

    /// Computes a tensor and waits for it.
    private static func finish(_ x: Tensor) throws {
        try x.realize()
        try x.device.synchronize()
    }
}
