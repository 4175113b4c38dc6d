import SomaGraph

// Normalisations of [N, C, …] by statistics of the tensor itself: `(x − μ) / √(σ² + ε) · γ + β`, with mean μ and variance σ² (divided by
// n) over what is normalised together, and with γ and β [C] for each channel, 1 and 0 where there are none. ε is above 0. Of nothing
// the result is nothing.

extension Tensor {
    /// Each channel is normalised over the batch and all places.
    ///
    /// S. Ioffe, C. Szegedy, *Batch Normalization*, ICML 2015.
    public func batchNormalized(
        weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if isNothing(ofRank: 2) { return self }
        let moments = channelMoments("batchNormalized", file, line)
        return normalizedChannels(by: moments, weight, bias, epsilon, "batchNormalized", file, line)
    }

    /// Each channel of each sample is normalised over its places.
    ///
    /// D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance Normalization*, 2016.
    public func instanceNormalized(
        weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if isNothing(ofRank: 3) { return self }
        let moments = instanceMoments("instanceNormalized", file, line)
        return normalizedChannels(by: moments, weight, bias, epsilon, "instanceNormalized", file, line)
    }

    /// Groups of neighbouring channels of each sample are normalised, each over all its channels and places.
    ///
    /// Y. Wu, K. He, *Group Normalization*, ECCV 2018.
    /// - Parameter groups: how many; they divide the channels evenly.
    public func groupNormalized(
        groups: Int, weight: Tensor? = nil, bias: Tensor? = nil, epsilon: Double = 1e-5, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        if isNothing(ofRank: 2) { return self }
        requireReal("groupNormalized", file, line)
        guard rank >= 2, groups > 0, shape[1] % groups == 0, count > shape[0] * groups else {
            programError(
                "groupNormalized", "\(groups) groups do not divide [N, C, …] = \(shape) into more than one value each", file: file, line: line)
        }
        requirePositive(epsilon, "groupNormalized", file, line)
        let parts = [groups, shape[1] / groups]
        func byGroup(_ x: Tensor) -> Tensor { x.reshaped(to: Shape([x.shape[0]] + parts + x.shape.dimensions[2...])) }
        let x = byGroup(self)
        let (weight, bias) = (weight?.alongChannels(of: self, "groupNormalized", file, line), bias?.alongChannels(of: self, "groupNormalized", file, line))
        let moments = Moments(of: x, alongAxes: Array(2..<x.rank))
        return x.normalized(by: moments, epsilon: epsilon, weight: weight.map(byGroup), bias: bias.map(byGroup)).reshaped(to: shape)
    }
}

extension Tensor {
    /// Whether this is [N, C, …] without elements, as an empty batch is: normalised it is itself, and it has no statistics.
    func isNothing(ofRank least: Int) -> Bool { count == 0 && rank >= least && dtype.isFloatingPoint }

    /// The moments of each channel over the batch and all places.
    func channelMoments(_ operation: String, _ file: StaticString, _ line: UInt) -> Moments {
        requireReal(operation, file, line)
        guard rank >= 2, count > shape[1] else {
            programError(operation, "\(shape) has not two values for each channel of [N, C, …]", file: file, line: line)
        }
        return Moments(of: self, alongAxes: (0..<rank).filter { $0 != 1 })
    }

    /// The moments of each channel of each sample over its places.
    func instanceMoments(_ operation: String, _ file: StaticString, _ line: UInt) -> Moments {
        requireReal(operation, file, line)
        guard rank >= 3, count > shape[0] * shape[1] else {
            programError(operation, "\(shape) has not two places for each channel of [N, C, …]", file: file, line: line)
        }
        return Moments(of: self, alongAxes: Array(2..<rank))
    }

    /// Normalised by `moments`; weight and bias are [C].
    func normalizedChannels(
        by moments: Moments, _ weight: Tensor?, _ bias: Tensor?, _ epsilon: Double, _ operation: String, _ file: StaticString, _ line: UInt
    ) -> Tensor {
        requirePositive(epsilon, operation, file, line)
        return normalized(
            by: moments, epsilon: epsilon, weight: weight?.alongChannels(of: self, operation, file, line),
            bias: bias?.alongChannels(of: self, operation, file, line))
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
