import OpenCLBackend
import Soma
import SomaBackend

/// An expression whose steps bring about some kernels.
struct KernelCase: Sendable {
    let name: String
    /// Shapes of the inputs, of float32.
    private let shapes: [Shape]
    /// Shapes of further inputs, of int32.
    private let indices: [Shape]
    private let results: @Sendable ([Tensor]) -> [Tensor]

    init(_ name: String, _ shapes: Shape..., indices: [Shape] = [], results: @escaping @Sendable ([Tensor]) -> [Tensor]) {
        (self.name, self.shapes, self.indices, self.results) = (name, shapes, indices, results)
    }

    /// The kernels of the expression's steps, each once: under the name of the case, or with their own after it where there are several.
    func programs(for gpu: AbsentGPU) throws -> [(name: String, program: KernelProgram)] {
        var seen = Set<KernelProgram>()
        let programs = try steps(gpu.capabilities).flatMap(gpu.programs).filter { seen.insert($0).inserted }
        if programs.count == 1 { return programs.map { (name, $0) } }
        var counts: [String: Int] = [:]
        return programs.map { program in
            let entry = program.entry.hasPrefix("soma_") ? String(program.entry.dropFirst(5)) : program.entry
            counts[entry, default: 0] += 1
            let number = counts[entry] ?? 1
            return (number == 1 ? "\(name).\(entry)" : "\(name).\(entry)-\(number)", program)
        }
    }

    /// What a device is asked for when the expression is computed.
    private func steps(_ capabilities: Capabilities) throws -> [Step] {
        let backend = RecordingBackend(name: "recording \(name)", capabilities: capabilities)
        return try withDevice(Device(running: backend)) {
            // In memory before the expression is made: else they would be constants of its maps.
            let inputs = shapes.map { Tensor.zeros($0) } + indices.map { Tensor.zeros($0, dtype: .int32) }
            try realizeAll(inputs)
            backend.reset()
            try realizeAll(results(inputs))
            return backend.recorded.launches
        }
    }
}

extension KernelCase {
    /// Every family of kernels, in sizes that bring about each tile of the shipped tuning data.
    static let all = fused + products + convolutions + images + moving

    private static let products = [
        KernelCase("matmul-large-nn", [4096, 1024], [1024, 4096]) { [matmul($0[0], $0[1])] },
        KernelCase("matmul-large-nt", [4096, 1024], [4096, 1024]) { [matmul($0[0], $0[1].transposed())] },
        KernelCase("matmul-large-tn", [1024, 4096], [1024, 4096]) { [matmul($0[0].transposed(), $0[1])] },
        KernelCase("matmul-large-odd", [4095, 1023], [1023, 4095]) { [matmul($0[0], $0[1])] },
        KernelCase("matmul-large-gelu", [4096, 1024], [4096, 1024], [4096]) { [gelu(matmul($0[0], $0[1].transposed()) + $0[2])] },
        KernelCase("matmul-small-nn", [768, 768], [768, 768]) { [matmul($0[0], $0[1])] },
        KernelCase("matmul-small-tn", [768, 768], [768, 768]) { [matmul($0[0].transposed(), $0[1])] },
        KernelCase("matmul-flat-nt", [32, 1024], [32768, 1024]) { [matmul($0[0], $0[1].transposed())] },
        KernelCase("matmul-narrow-nn", [32768, 1024], [1024, 32]) { [matmul($0[0], $0[1])] },
        KernelCase("matmul-long-tn", [65536, 128], [65536, 128]) { [matmul($0[0].transposed(), $0[1])] },
        KernelCase("matmul-vector", [4096, 4096], [4096, 1]) { [matmul($0[0], $0[1])] },
    ]

    /// The gradient of a convolution with respect to its input (0) or its filter (1).
    private static func passed(_ y: Tensor, _ g: Tensor, to x: Tensor) -> [Tensor] { gradient(of: (y * g).sum(), withRespectTo: [x]) }

    private static let convolutions = [
        KernelCase("convolution-5x5", [32, 64, 56, 56], [128, 64, 5, 5]) { [convolution($0[0], $0[1], padding: .all(2))] },
        KernelCase("convolution-5x5-input", [32, 64, 56, 56], [128, 64, 5, 5], [32, 128, 56, 56]) {
            passed(convolution($0[0], $0[1], padding: .all(2)), $0[2], to: $0[0])
        },
        KernelCase("convolution-5x5-filter", [32, 64, 56, 56], [128, 64, 5, 5], [32, 128, 56, 56]) {
            passed(convolution($0[0], $0[1], padding: .all(2)), $0[2], to: $0[1])
        },
        KernelCase("convolution-stride", [32, 64, 56, 56], [128, 64, 3, 3]) { [convolution($0[0], $0[1], stride: [2], padding: .all(1))] },
        KernelCase("convolution-stride-input", [32, 64, 56, 56], [128, 64, 3, 3], [32, 128, 28, 28]) {
            passed(convolution($0[0], $0[1], stride: [2], padding: .all(1)), $0[2], to: $0[0])
        },
        KernelCase("convolution-winograd", [32, 128, 56, 56], [128, 128, 3, 3]) { [relu(convolution($0[0], $0[1], padding: .all(1)))] },
        KernelCase("convolution-1x1", [32, 256, 56, 56], [128, 256, 1, 1]) { [convolution($0[0], $0[1])] },
    ]

    private static let images = [
        KernelCase("depthwise", [32, 128, 56, 56], [128, 1, 3, 3]) { [convolution($0[0], $0[1], padding: .all(1), groups: 128)] },
        KernelCase("depthwise-input", [32, 128, 56, 56], [128, 1, 3, 3], [32, 128, 56, 56]) {
            passed(convolution($0[0], $0[1], padding: .all(1), groups: 128), $0[2], to: $0[0])
        },
        KernelCase("depthwise-filter", [32, 128, 56, 56], [128, 1, 3, 3], [32, 128, 56, 56]) {
            passed(convolution($0[0], $0[1], padding: .all(1), groups: 128), $0[2], to: $0[1])
        },
        KernelCase("pooling-max", [32, 64, 56, 56]) { [$0[0].maxPooled(PoolingWindow(size: [2, 2]))] },
        KernelCase("pooling-max-input", [32, 64, 56, 56], [32, 64, 28, 28]) {
            passed($0[0].maxPooled(PoolingWindow(size: [2, 2])), $0[1], to: $0[0])
        },
    ]

    private static let fused = [
        KernelCase("map-copy", [4096, 4096]) { [$0[0] * 1.5] },
        KernelCase("map-chain", [4096, 4096], [4096]) { [gelu($0[0] * 2 + $0[1]) + $0[0]] },
        KernelCase("map-odd", [4095, 4095], [4095]) { [gelu($0[0] * 2 + $0[1]) + $0[0]] },
        KernelCase("map-transpose", [4096, 4096]) { [$0[0].transposed().contiguous()] },
        KernelCase("reduce-rows", [4096, 65536]) { [$0[0].sum(alongAxes: -1)] },
        KernelCase("reduce-columns", [65536, 4096]) { [$0[0].sum(alongAxes: 0)] },
        KernelCase("reduce-all", [4096, 4096]) { [square($0[0]).sum()] },
        KernelCase("reduce-argmax", [4096, 1000]) { [$0[0].argmax(alongAxis: -1)] },
        KernelCase("row-softmax", [4096, 1024]) { [$0[0].softmax()] },
        KernelCase("row-cross-entropy", [4096, 1000], indices: [[4096]]) {
            let loss = crossEntropy($0[0], $0[1])
            return [loss] + gradient(of: loss, withRespectTo: [$0[0]])
        },
    ]

    private static let moving = [
        KernelCase("gather", [50000, 512], indices: [[4096]]) { [$0[0].gathered(atIndices: $0[1])] },
        KernelCase("scatter-add", [50000, 512], [4096, 512], indices: [[4096]]) { [$0[0].scatteredAdd($0[1], atIndices: $0[2])] },
        KernelCase("block-copy", [4096, 512], indices: [[2]]) { [$0[0].dynamicSlice(at: $0[1], shape: [64, 512])] },
        KernelCase("random-dropout", [4096, 1024]) { [$0[0] * .dropoutMask($0[0].shape, rate: 0.5)] },
    ]
}
