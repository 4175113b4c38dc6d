import SomaGraph

extension Tensor {
    /// x normalised in each channel (axis 1) over all other axes by the statistics of this very batch, then scaled and shifted:
    /// `(x − μ) / √(σ² + ε) · γ + β`, with mean μ and variance σ² (divided by n).
    ///
    /// S. Ioffe, C. Szegedy, *Batch Normalization*, ICML 2015.
    /// - Parameters:
    ///   - weight, bias: γ and β, [channels]; 1 and 0 where there are none.
    ///   - epsilon: ε, above 0.
    public func batchNormalized(
        weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        let moments = channelMoments("batchNormalized", file, line)
        requirePositive(epsilon, "batchNormalized", file, line)
        return normalized(
            by: moments, epsilon: epsilon, weight: weight?.alongChannels(of: self, "batchNormalized", file, line),
            bias: bias?.alongChannels(of: self, "batchNormalized", file, line))
    }

    /// The moments of each channel over the batch and all places.
    func channelMoments(_ operation: String, _ file: StaticString, _ line: UInt) -> Moments {
        requireReal(operation, file, line)
        guard rank >= 2, count > shape[1] else {
            programError(operation, "\(shape) has not two values for each channel of [N, C, …]", file: file, line: line)
        }
        return Moments(of: self, alongAxes: (0..<rank).filter { $0 != 1 })
    }

    /// A number for each channel, [C], in the rank of `x` [N, C, …].
    func alongChannels(of x: Tensor, _ operation: String, _ file: StaticString = #fileID, _ line: UInt = #line) -> Tensor {
        guard x.rank >= 2, shape == [x.shape[1]], dtype == x.dtype else {
            programError(operation, "\(dtype) \(shape) for the channels of \(x.dtype) \(x.shape)", file: file, line: line)
        }
        return reshaped(to: Shape([1, count] + [Int](repeating: 1, count: x.rank - 2)))
    }
}

func requirePositive(_ epsilon: Double, _ operation: String, _ file: StaticString, _ line: UInt) {
    guard epsilon > 0 else { programError(operation, "an epsilon of \(epsilon) is not positive", file: file, line: line) }
}
