import OpenCLBackend
import Soma
import SomaGraph

extension KernelCase {
    /// Every family of kernels, in each tile and shape that the shipped tuning data selects for a GPU.
    static func all(for gpu: AbsentGPU) -> [KernelCase] {
        maps + reductions(gpu) + rows(gpu) + products(gpu) + convolutions(gpu) + images + attentions + moving
    }

    /// The kernels that measure what a device is capable of, which no expression brings about.
    static func peaks(_ gpu: AbsentGPU) -> [(name: String, program: KernelProgram)] {
        gpu.peakPrograms.map { ($0.shortName + ($0.source.contains("#define HAS_HALF 1") ? "-half" : ""), $0) }
    }

    private static let maps = [
        KernelCase("map-scale", [4096, 4096]) { [$0[0] * 1.5] },
        KernelCase("map-chain", [4096, 4096], [4096]) { [gelu($0[0] * 2 + $0[1]) + $0[0]] },
        KernelCase("map-chain-odd", [4095, 4095], [4095]) { [gelu($0[0] * 2 + $0[1]) + $0[0]] },
        KernelCase("map-transpose", [4096, 4096]) { [$0[0].transposed().contiguous()] },
        KernelCase("map-wide", [65536, 65536]) { [exp($0[0].transposed()).contiguous()] },
        KernelCase("map-dropout", [4096, 1024]) { [$0[0] * .dropoutMask($0[0].shape, rate: 0.5)] },
    ]

    private static let images = [
        KernelCase("depthwise", [32, 128, 56, 56], [128, 1, 3, 3]) { [convolution($0[0], $0[1], padding: .all(1), groups: 128)] },
        KernelCase("depthwise-7x7", [32, 128, 56, 56], [128, 1, 7, 7]) { [convolution($0[0], $0[1], padding: .all(3), groups: 128)] },
        KernelCase("depthwise-stride", [32, 128, 56, 56], [128, 1, 3, 3]) {
            [convolution($0[0], $0[1], stride: [2], padding: .all(1), groups: 128)]
        },
        KernelCase("depthwise-input", [32, 128, 56, 56], [128, 1, 3, 3]) { [transposedConvolution($0[0], $0[1], padding: [1], groups: 128)] },
        KernelCase("depthwise-stride-input", [32, 128, 28, 28], [128, 1, 3, 3]) {
            [transposedConvolution($0[0], $0[1], stride: [2], padding: [1], outputPadding: [1], groups: 128)]
        },
        depthwiseFilter("depthwise-filter", batch: 1),
        depthwiseFilter("depthwise-filter-split", batch: 32),
        KernelCase("pooling-max", [32, 64, 56, 56]) { [$0[0].maxPooled(halving)] },
        KernelCase("pooling-max-input", [32, 64, 56, 56], [32, 64, 28, 28]) {
            [gradient(of: $0[0].maxPooled(halving), withRespectTo: $0[0], seed: $0[1])]
        },
        KernelCase("pooling-average", [32, 64, 56, 56]) { [$0[0].averagePooled(halving)] },
        KernelCase("pooling-average-input", [32, 64, 56, 56], [32, 64, 28, 28]) {
            [gradient(of: $0[0].averagePooled(halving), withRespectTo: $0[0], seed: $0[1])]
        },
    ]

    private static func depthwiseFilter(_ name: String, batch: Int) -> KernelCase {
        KernelCase(name, [batch, 128, 56, 56], [128, 1, 3, 3], [batch, 128, 56, 56]) {
            [gradient(of: convolution($0[0], $0[1], padding: .all(1), groups: 128), withRespectTo: $0[1], seed: $0[2])]
        }
    }

    private static let halving = PoolingWindow(size: [2, 2])

    private static let attentions = [
        attention("attention-64", [8, 8, 1024, 64]), attention("attention-128", [4, 8, 1024, 128]), attention("attention-odd", [8, 8, 1023, 63]),
        attention("attention-short", [64, 8, 32, 64]),
        attention("attention-bias", [8, 8, 1024, 64], hasBias: true), attention("attention-wide", [64, 64, 16384, 64]),
    ]

    /// Causal attention of so many heads, and its gradient.
    private static func attention(_ name: String, _ shape: Shape, hasBias: Bool = false) -> KernelCase {
        KernelCase(name, shape, shape, shape, shape, hasBias ? [shape[0], shape[1], shape[2], shape[2]] : [1]) { inputs in
            let attention = Attention(scale: 0.125, isCausal: true, hasBias: hasBias)
            let output = Tensor.attention(inputs[0], inputs[1], inputs[2], AttentionOperands(attention, bias: hasBias ? inputs[4] : nil)).output
            return [output] + gradient(of: output, withRespectTo: Array(inputs[..<3]), seed: inputs[3])
        }
    }

    private static let moving = [
        KernelCase("gather", [50000, 512], indices: [[4096]]) { [$0[0].gathered(atIndices: $0[1])] },
        KernelCase("scatter-add", [50000, 512], [4096, 512], indices: [[4096]]) { [$0[0].scatteredAdd($0[1], atIndices: $0[2])] },
        KernelCase("slice-read", [4096, 512], indices: [[2]]) { [$0[0].dynamicSlice(at: $0[1], shape: [64, 512])] },
        KernelCase("slice-written", [4096, 512], [64, 512], indices: [[2]]) { [$0[0].updatingSlice(at: $0[2], with: $0[1])] },
    ]
}
