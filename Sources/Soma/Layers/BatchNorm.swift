import SomaGraph

/// y = γ (x − μ) / √(σ² + ε) + β for each channel (axis 1) of x [N, C, …].
///
/// In training μ and σ² are mean and variance of the batch, and running statistics follow them; in inference the running ones serve,
/// so that y does not depend on what else is in the batch. They serve in training too where a batch has but one value for each channel, as a
/// last picture on its own may: one value has no variance. An empty batch gives an empty result, and no statistics follow it.
///
/// S. Ioffe, C. Szegedy, *Batch Normalization*, ICML 2015.
public struct BatchNorm: Layer, CustomReflectable {
    /// γ: [C], ones at first.
    public let weight: Parameter?
    /// β: [C], zeros at first.
    public let bias: Parameter?
    /// What inference uses; nil where it uses the statistics of its batch.
    public let statistics: RunningStatistics?
    /// C, the extent of axis 1.
    public let channels: Int
    /// ε, which keeps the root from 0.
    public let epsilon: Double

    /// The defaults are PyTorch's. Traps where there is no channel or `epsilon` is not above 0.
    /// - Parameters:
    ///   - momentum: the share of the latest batch in the running statistics; nil for the mean of all batches.
    ///   - isAffine: whether γ and β are there.
    ///   - tracksStatistics: whether there are running statistics.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double? = 0.1, isAffine: Bool = true, tracksStatistics: Bool = true,
        device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard channels > 0 else { programError("BatchNorm", "\(channels) channels", file: file, line: line) }
        requirePositive(epsilon, "BatchNorm", file, line)
        weight = isAffine ? Parameter(.ones([channels], device: device)) : nil
        bias = isAffine ? Parameter(.zeros([channels], device: device)) : nil
        statistics = tracksStatistics ? RunningStatistics(channels, momentum, device, "BatchNorm", file, line) : nil
        (self.channels, self.epsilon) = (channels, epsilon)
    }

    /// y of the shape of x. Traps unless x is [N, C, …].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 2, x.shape[1] == channels else {
            named(by: weight) { programError("BatchNorm", "an input of \(x.shape) is not [N, \(channels), …]") }
        }
        if x.isNothing(ofRank: 2) { return x }
        guard let statistics else { return tapped(normalized(x) { _ in }) }
        func predicted() -> Tensor {
            let (scale, shift) = statistics.scaleAndShift(weight, bias, epsilon)
            return x.scaled(by: scale, plus: shift)
        }
        if x.count == channels { return tapped(predicted()) }
        return tapped(Mode.choose(training: { normalized(x) { statistics.follow($0) } }, inference: predicted))
    }

    private func normalized(_ x: Tensor, _ follow: (Moments) -> Void) -> Tensor {
        let moments = x.channelMoments("BatchNorm", #fileID, #line)
        follow(moments)
        return x.normalizedChannels(by: moments, weight?.tensor, bias?.tensor, epsilon, "BatchNorm", #fileID, #line)
    }

    /// What inference multiplies each channel by and what it adds; nil without running statistics.
    func scaleAndShift() -> (scale: Tensor, shift: Tensor)? { statistics?.scaleAndShift(weight, bias, epsilon) }

    /// Names as PyTorch's state_dict has them.
    public var customMirror: Mirror {
        Mirror(self, children: [("weight", weight as Any), ("bias", bias as Any)] + (statistics?.children ?? []))
    }
}
