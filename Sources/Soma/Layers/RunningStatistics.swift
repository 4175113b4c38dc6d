import SomaGraph

/// Mean and variance over the batches of training, as normalisations use them in inference.
///
/// A batch whose mean or variance is no finite number, as where squares overflow, shows in them: a variance of ∞ stays until the next batch
/// whose numbers are finite, from which the statistics of that channel then begin anew. (PyTorch's stay ∞ or NaN for ever.)
public struct RunningStatistics: Sendable {
    /// [C], zeros at first.
    public let mean: State
    /// [C], ones at first; each batch's divided by n − 1.
    public let variance: State
    /// How many batches there were: int64, one number.
    public let batchCount: State
    /// The share of the latest batch; nil for equal shares of all. With 0 the statistics never change, whatever the batches are.
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

    /// Takes in the moments of a batch, or the mean of those of its samples.
    func follow(_ moments: Moments, isCounting: Bool = true) {
        // A block that is computed again for its gradient was followed before.
        if Recomputation.isUnderWay { return }
        let count = batchCount.tensor + 1
        if isCounting { batchCount.assign(count) }
        if momentum == 0 { return }
        let share = momentum.map { Tensor($0, device: mean.device) } ?? reciprocal(count.as(.float32))
        let isSound = mean.tensor.isFinite .&& variance.tensor.isFinite
        for (state, latest) in [(mean, moments.mean), (variance, moments.unbiasedVariance)] {
            let old = state.tensor
            let average = latest.withoutGradient().mean(alongAxes: latest.shape.dimensions.indices.filter { $0 != 1 })
            state.assign(.select(isSound, old + (average - old) * share, average))
        }
    }

    /// What inference multiplies each channel by and what it adds.
    func scaleAndShift(_ weight: Parameter?, _ bias: Parameter?, _ epsilon: Double) -> (scale: Tensor, shift: Tensor) {
        let inverse = rsqrt(variance.tensor + epsilon)
        let scale = weight.map { inverse * $0.tensor } ?? inverse
        let shift = -mean.tensor * scale
        return (scale, bias.map { shift + $0.tensor } ?? shift)
    }
}

extension Tensor {
    /// x·s + t with one s and one t for each channel.
    func scaled(by scale: Tensor, plus shift: Tensor) -> Tensor {
        self * scale.alongChannels(of: self, "scale") + shift.alongChannels(of: self, "scale")
    }
}
