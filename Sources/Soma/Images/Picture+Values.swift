import SomaGraph

extension Picture {
    /// The picture as a model takes it: [channels, height, width] values after `transforms`, of which none may draw anything
    /// at random but the same each time.
    /// - Throws: `SomaError` where there is no memory.
    public func values(_ transforms: [any ImageTransform], channels: Int) throws -> [Float] {
        var image = ImageSample(self, channels: channels)
        var random = Philox(seed: 0)
        for transform in transforms { try transform.apply(to: &image, random: &random) }
        let count = image.size.width * image.size.height * channels
        return try [Float](unsafeUninitializedCapacity: count) { values, written in
            try image.write(to: UnsafeMutableBufferPointer(rebasing: values[..<count]))
            written = count
        }
    }
}
