import SomaGraph

extension Tensor {
    /// [N, C·rᵈ, spatial…] as [N, C, r·spatial…]: the rᵈ channels in a row become a block of r places along each of the d spatial axes.
    ///
    /// W. Shi et al., *Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network*,
    /// CVPR 2016.
    /// - Parameter factor: r; rᵈ divides the channels.
    public func pixelShuffled(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank >= 3, let block = places(inBlocksOf: factor), shape[1] % block == 0 else {
            programError("pixelShuffled", "a factor of \(factor) for [N, C, …] = \(shape)", file: file, line: line)
        }
        let (count, extents) = (rank - 2, shape.dimensions[2...])
        let separated = reshaped(to: Shape([shape[0], shape[1] / block] + [Int](repeating: factor, count: count) + extents))
        let order = [0, 1] + (0..<count).flatMap { [2 + count + $0, 2 + $0] }
        return separated.permuted(axes: order).reshaped(to: Shape([shape[0], shape[1] / block] + extents.map { $0 * factor }))
    }

    /// The inverse of `pixelShuffled`: [N, C, r·spatial…] as [N, C·rᵈ, spatial…].
    /// - Parameter factor: r, which divides each spatial extent.
    public func pixelUnshuffled(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        guard rank >= 3, factor > 0, shape.dimensions[2...].allSatisfy({ $0 % factor == 0 }), let block = places(inBlocksOf: factor) else {
            programError("pixelUnshuffled", "a factor of \(factor) for [N, C, …] = \(shape)", file: file, line: line)
        }
        let (count, extents) = (rank - 2, shape.dimensions[2...].map { $0 / factor })
        let separated = reshaped(to: Shape(shape.dimensions[..<2] + extents.flatMap { [$0, factor] }))
        let order = [0, 1] + (0..<count).map { 3 + 2 * $0 } + (0..<count).map { 2 + 2 * $0 }
        return separated.permuted(axes: order).reshaped(to: Shape([shape[0], shape[1] * block] + extents))
    }

    /// How many places a block of `factor` along each spatial axis has; nil where that is none, or more than can be counted.
    private func places(inBlocksOf factor: Int) -> Int? {
        var places = 1
        for _ in 2..<rank {
            let (product, overflow) = places.multipliedReportingOverflow(by: factor)
            if overflow || product <= 0 { return nil }
            places = product
        }
        return places
    }
}
