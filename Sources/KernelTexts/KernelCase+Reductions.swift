import OpenCLBackend
import Soma
import SomaGraph

// How many work-items share a sum is told by Kernels/tuning/reduce.txt and decided by the length of the sum: see ReduceGeometry.
extension KernelCase {
    /// So long that a sum is given so many work-items, four groups of four numbers each.
    private static func length(_ lanes: Int) -> Int { lanes * 16 }

    /// So many rows of a length that the device is busy, and positions still fit 32 bits.
    private static func rows(of length: Int) -> Shape { [(1 << 28) / length, length] }

    static func reductions(_ gpu: AbsentGPU) -> [KernelCase] {
        gpu.reductionLanes.map(length).map { length in KernelCase("reduce-rows-\(length)", rows(of: length)) { [$0[0].sum(alongAxes: -1)] } } + [
            KernelCase("reduce-rows-odd", [4096, 65535]) { [$0[0].sum(alongAxes: -1)] },
            KernelCase("reduce-columns", [65536, 4096]) { [$0[0].sum(alongAxes: 0)] },
            KernelCase("reduce-all", [4096, 4096]) { [square($0[0]).sum()] },
            KernelCase("reduce-channels", [32, 64, 56, 56]) { [$0[0].sum(alongAxes: 0, 2, 3), square($0[0]).sum(alongAxes: 0, 2, 3)] },
            KernelCase("reduce-argmax", [4096, 1000]) { [$0[0].argmax(alongAxis: -1)] },
            KernelCase("reduce-vector-product", [4096, 4096], [4096, 1]) { [matmul($0[0], $0[1])] },
        ]
    }

    /// Those whose lanes hold 1, 2, 4 and 8 groups of numbers of a row, and one that reads its row again.
    static func rows(_ gpu: AbsentGPU) -> [KernelCase] {
        let most = gpu.reductionLanes.max() ?? 1
        let lengths = gpu.reductionLanes.map(length) + [length(gpu.reductionLanes[1]) / 4, most * 4, most * 32, most * 64]
        return Set(lengths).sorted().map { length in KernelCase("row-softmax-\(length)", rows(of: length)) { [$0[0].softmax()] } } + [
            KernelCase("row-softmax-wide", [1 << 20, length(most)]) { [$0[0].softmax()] },
            KernelCase("row-normalization", [4096, 1024], [1024], [1024], [4096, 1024]) { inputs in
                let y = LayerNorm(1024, isAffine: false)(inputs[0]) * inputs[1] + inputs[2]
                return [y, gradient(of: y, withRespectTo: inputs[0], seed: inputs[3])]
            },
            KernelCase("row-cross-entropy", [4096, 1000], indices: [[4096]]) { crossEntropyAndGradient($0) },
            KernelCase("row-cross-entropy-odd", [4096, 1001], indices: [[4096]]) { crossEntropyAndGradient($0) },
        ]
    }

    private static func crossEntropyAndGradient(_ inputs: [Tensor]) -> [Tensor] {
        let loss = crossEntropy(inputs[0], inputs[1])
        return [loss, gradient(of: loss, withRespectTo: inputs[0])]
    }
}
