import SomaGraph

extension Tensor {
    /// Each element divided by a measure of the channels around it: `x_c / (k + α / size · Σ x_i²)^β`, the sum over the `size` channels c − ⌊size /
    /// 2⌋ … c + ⌊(size − 1) / 2⌋, as far as they exist, at the same place.
    ///
    /// A. Krizhevsky, I. Sutskever, G. E. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NIPS 2012. There α
    /// multiplies the sum itself; here, as in PyTorch, the mean.
    public func localResponseNormalized(
        size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        requireReal("localResponseNormalized", file, line)
        guard rank >= 2, size > 0 else {
            programError("localResponseNormalized", "windows of \(size) channels of [N, C, …] = \(shape)", file: file, line: line)
        }
        if count == 0 { return self }
        let (before, after, share) = (size / 2, (size - 1) / 2, alpha / Double(size))
        let level = square(self).channelSums(before, after) * share + k
        return withCustomGradient(of: self) { x in
            x * level.lowered(beta)
        } pullback: { gradient, x, y in
            // An element acts on the channels that have it in their windows: those of the mirrored window.
            let others = (gradient * y / level).channelSums(after, before)
            return gradient * level.lowered(beta) - x * others * (2 * beta * share)
        }
    }

    /// x^−β; for the β that everyone takes by roots, which cost a fraction of a power.
    private func lowered(_ beta: Double) -> Tensor {
        if beta != 0.75 { return pow(self, -beta) }
        let root = rsqrt(self)
        return root * sqrt(root)
    }

    /// For each channel the sum of those from `before` before it to `after` behind it.
    private func channelSums(_ before: Int, _ after: Int) -> Tensor {
        let margins = (0..<rank).map { $0 == 1 ? (before, after) : (0, 0) }
        return padded(margins).windows(alongAxis: 1, size: before + after + 1).sum(alongAxes: -1)
    }
}
