import SomaGraph

/// y = γ (x − μ) / √(σ² + ε) + β, with mean μ and variance σ² over the places of each channel of each sample of x [N, C, spatial…].
///
/// Running statistics, where there are any, serve in inference as in `BatchNorm`; they follow the means over the batch of μ and σ². As in PyTorch
/// there are none unless asked for, nor γ and β, and the batches are not counted.
///
/// D. Ulyanov, A. Vedaldi, V. Lempitsky, *Instance Normalization*, 2016.
public struct InstanceNorm: Layer, CustomReflectable {
    /// γ: [C], ones at first.
    public let weight: Parameter?
    /// β: [C], zeros at first.
    public let bias: Parameter?
    /// What inference uses; nil where it uses the statistics of its input.
    public let statistics: RunningStatistics?
    /// ε, which keeps the root from 0.
    public let epsilon: Double
    private let channels: Int

    /// The defaults are PyTorch's. Traps where there is no channel or `epsilon` is not above 0.
    /// - Parameters:
    ///   - momentum: the share of the latest batch in the running statistics.
    ///   - isAffine: whether γ and β are there.
    ///   - tracksStatistics: whether there are running statistics.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, isAffine: Bool = false, tracksStatistics: Bool = false,
        device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) {
        guard channels > 0 else { programError("InstanceNorm", "\(channels) channels", file: file, line: line) }
        requirePositive(epsilon, "InstanceNorm", file, line)
        weight = isAffine ? Parameter(.ones([channels], device: device)) : nil
        bias = isAffine ? Parameter(.zeros([channels], device: device)) : nil
        statistics = tracksStatistics ? RunningStatistics(channels, momentum, device, "InstanceNorm", file, line) : nil
        (self.channels, self.epsilon) = (channels, epsilon)
    }

    /// y of the shape of x. Traps unless x is [N, C, spatial…].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 3, x.shape[1] == channels else {
            named(by: weight) { programError("InstanceNorm", "an input of \(x.shape) is not [N, \(channels), …]") }
        }
        if x.isNothing(ofRank: 3) { return x }
        guard let statistics else { return tapped(normalized(x) { _ in }) }
        let y = Mode.choose {
            normalized(x) { statistics.follow($0, isCounting: false) }
        } inference: {
            let (scale, shift) = statistics.scaleAndShift(weight, bias, epsilon)
            return x.scaled(by: scale, plus: shift)
        }
        return tapped(y)
    }

    private func normalized(_ x: Tensor, _ follow: (Moments) -> Void) -> Tensor {
        let moments = x.instanceMoments("InstanceNorm", #fileID, #line)
        follow(moments)
        return x.normalizedChannels(by: moments, weight?.tensor, bias?.tensor, epsilon, "InstanceNorm", #fileID, #line)
    }

    /// Names as PyTorch's state_dict has them.
    public var customMirror: Mirror {
        Mirror(self, children: [("weight", weight as Any), ("bias", bias as Any)] + (statistics?.children ?? []))
    }
}
