import SomaBackend
import SomaGraph

extension ConvolutionStep {
    private static let most = Int(Int32.max) - (1 << 20)

    /// Whether numbers of pixels and of terms fit 32 bits, which the kernels count with.
    var hasIntCounts: Bool {
        let product = ImplicitProduct(self)
        return max(product.columns.count, product.depth.count, input.reduce(1, *), output.reduce(1, *)) < Self.most
    }

    /// Whether positions need 64 bits.
    var isWide: Bool { nest.isWide || max(inputShape.count, outputShape.count, filterShape.count) > Self.most }

    /// The same as a product of matrices, which a filter of one tap is: an image is then a matrix [channels, pixels].
    var asMatmul: MatmulStep? {
        let pixels = input.reduce(1, *)
        let isPointwise = windows.size == [1, 1] && windows.stride == [1, 1] && windows.before == [0, 0] && windows.after == [0, 0]
        // With few pixels the columns of all images together fill tiles better.
        guard isPointwise, groups == 1, pixels >= 64 || batch == 1, let merged = nest.merging(pass == .filterGradient ? 1...3 : 2...3) else { return nil }
        func operand(_ operand: Operand, _ strides: [Int]) -> Operand {
            Operand(slot: operand.slot, dtype: operand.dtype, access: operand.access.with(strides: strides))
        }
        let images = operand(first, [(pass == .forward ? inputChannels : outputChannels) * pixels, pixels, 1])
        switch pass {
        case .forward:
            return MatmulStep(
                batch: batch, m: outputChannels, n: pixels, k: inputChannels, a: operand(second, [0, inputChannels, 1]), b: images,
                epilogue: merged.body)
        case .inputGradient:
            return MatmulStep(
                batch: batch, m: inputChannels, n: pixels, k: outputChannels, a: operand(second, [0, 1, inputChannels]), b: images,
                epilogue: merged.body)
        case .filterGradient:
            guard batch == 1 else { return nil }
            let nest = merged.withLeadingAxis
            return MatmulStep(
                batch: 1, m: outputChannels, n: inputChannels, k: pixels, a: operand(second, [0, pixels, 1]), b: operand(first, [0, 1, pixels]),
                epilogue: nest.body)
        }
    }
}
