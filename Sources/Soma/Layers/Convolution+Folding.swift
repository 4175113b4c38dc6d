import SomaGraph

extension Convolution {
    /// This convolution and the normalisation that follows it as one convolution, which gives what both give in inference:
    /// with scale s and shift t of each channel, `s·(x ⋆ w + b) + t = x ⋆ (s·w) + (s·b + t)`.
    ///
    /// The parameters are new ones; those of the two layers stay as they are and are not followed.
    public func folding(_ norm: BatchNorm, file: StaticString = #fileID, line: UInt = #line) -> Convolution {
        let outputs = weight.shape[0]
        guard norm.channels == outputs, let (scale, shift) = norm.scaleAndShift() else {
            let kind = norm.statistics == nil ? "without running statistics" : "of \(norm.channels) channels"
            programError("folding", "a normalisation \(kind) into a convolution to \(outputs) channels", file: file, line: line)
        }
        let factors = scale.reshaped(to: Shape([outputs] + [Int](repeating: 1, count: weight.shape.rank - 1)))
        let offset = bias.map { $0.tensor * scale + shift } ?? shift
        return Convolution(weight: Parameter(weight.tensor * factors), bias: Parameter(offset), as: self)
    }

    private init(weight: Parameter, bias: Parameter, as other: Convolution) {
        (self.weight, self.bias) = (weight, bias)
        (stride, padding, dilation, groups) = (other.stride, other.padding, other.dilation, other.groups)
    }
}
