import SomaGraph

/// y = γ (x − μ) / √(σ² + ε) + β for each channel (axis 1) of x [N, C, …].
///
/// In training μ and σ² are mean and variance of the batch, and running statistics follow them; in inference the running ones serve,
/// so that y does not depend on what else is in the batch.
///
/// S. Ioffe, C. Szegedy, *Batch Normalization*, ICML 2015.
public struct BatchNorm: Layer, CustomReflectable {
    /// γ: [C], ones at first.
    public let weight: Parameter?
    /// β: [C], zeros at first.
    public let bias: Parameter?
    /// What inference uses; nil where it uses the statistics of its batch.
    public let statistics: RunningStatistics?
    public let channels: Int
    /// ε, which keeps the root from 0.
    public let epsilon: Double

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

    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 2, x.shape[1] == channels else {
            programError("BatchNorm", "an input of \(x.shape) is not [N, \(channels), …]")
        }
        if Mode.current == .inference, let affine = scaleAndShift() {
            return x * affine.scale.alongChannels(of: x, "BatchNorm") + affine.shift.alongChannels(of: x, "BatchNorm")
        }
        let moments = x.channelMoments("BatchNorm", #fileID, #line)
        if Mode.current == .training { statistics?.follow(moments) }
        return x.normalized(
            by: moments, epsilon: epsilon, weight: weight?.tensor.alongChannels(of: x, "BatchNorm"),
            bias: bias?.tensor.alongChannels(of: x, "BatchNorm"))
    }

    /// What inference multiplies each channel by and what it adds; nil without running statistics.
    func scaleAndShift() -> (scale: Tensor, shift: Tensor)? {
        guard let statistics else { return nil }
        let inverse = rsqrt(statistics.variance.tensor + epsilon)
        let scale = weight.map { inverse * $0.tensor } ?? inverse
        let shift = -statistics.mean.tensor * scale
        return (scale, bias.map { shift + $0.tensor } ?? shift)
    }

    /// Names as PyTorch's state_dict has them.
    public var customMirror: Mirror {
        Mirror(self, children: [("weight", weight as Any), ("bias", bias as Any)] + (statistics?.children ?? []))
    }
}

/// Mean and variance over the batches of training, as normalisations use them in inference.
public struct RunningStatistics: Sendable {
    /// [C], zeros at first.
    public let mean: State
    /// [C], ones at first; each batch's divided by n − 1.
    public let variance: State
    /// How many batches there were: int64, one number.
    public let batchCount: State
    /// The share of the latest batch; nil for equal shares of all.
    public let momentum: Double?

    init(_ channels: Int, _ momentum: Double?, _ device: Device, _ operation: String, _ file: StaticString, _ line: UInt) {
        if let momentum, !(0...1).contains(momentum) {
            programError(operation, "a momentum of \(momentum)", file: file, line: line)
        }
        mean = State(.zeros([channels], device: device))
        variance = State(.ones([channels], device: device))
        batchCount = State(Tensor([Int64(0)], shape: .scalar, device: device))
        self.momentum = momentum
    }

    /// The states by the names that PyTorch gives them.
    var children: [Mirror.Child] {
        [("running_mean", mean), ("running_var", variance), ("num_batches_tracked", batchCount)]
    }

    /// Takes in the statistics of a batch, of any shape with an element for each channel.
    func follow(_ moments: Moments) {
        let count = batchCount.tensor + 1
        batchCount.assign(count)
        let share = momentum.map { Tensor($0, device: mean.device) } ?? reciprocal(count.as(.float32))
        for (state, latest) in [(mean, moments.mean), (variance, moments.unbiasedVariance)] {
            let old = state.tensor
            state.assign(old + (latest.withoutGradient().reshaped(to: state.shape) - old) * share)
        }
    }
}
