import OpenCLBackend
import Soma

extension KernelCase {
    /// Every family of kernels, in each tile and shape that the shipped tuning data selects for a GPU.
    static func all(for gpu: AbsentGPU) -> [KernelCase] {
        maps + reductions(gpu) + rows(gpu) + products(gpu) + convolutions(gpu) + images + moving
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

    private static let moving = [
        KernelCase("gather", [50000, 512], indices: [[4096]]) { [$0[0].gathered(atIndices: $0[1])] },
        KernelCase("scatter-add", [50000, 512], [4096, 512], indices: [[4096]]) { [$0[0].scatteredAdd($0[1], atIndices: $0[2])] },
        KernelCase("slice-read", [4096, 512], indices: [[2]]) { [$0[0].dynamicSlice(at: $0[1], shape: [64, 512])] },
        KernelCase("slice-written", [4096, 512], [64, 512], indices: [[2]]) { [$0[0].updatingSlice(at: $0[2], with: $0[1])] },
    ]
}
