import SomaGraph

/// y = γ (x − μ) / √(σ² + ε) + β, with mean μ and variance σ² of each group of channels of each sample of x [N, C, …]; γ and β
/// differ from channel to channel.
///
/// Y. Wu, K. He, *Group Normalization*, ECCV 2018.
public struct GroupNorm: Layer {
    /// γ: [C], ones at first.
    public let weight: Parameter?
    /// β: [C], zeros at first.
    public let bias: Parameter?
    /// How many groups the channels make.
    public let groups: Int
    /// ε, which keeps the root from 0.
    public let epsilon: Double
    private let channels: Int

    /// Traps unless `groups` divides `channels` and `epsilon` is above 0.
    /// - Parameters:
    ///   - groups: how many; they divide `channels` evenly.
    ///   - isAffine: whether γ and β are there.
    public init(
        groups: Int, channels: Int, epsilon: Double = 1e-5, isAffine: Bool = true, device: Device = .current,
        file: StaticString = #fileID, line: UInt = #line
    ) {
        guard groups > 0, channels > 0, channels % groups == 0 else {
            programError("GroupNorm", "\(groups) groups of \(channels) channels", file: file, line: line)
        }
        requirePositive(epsilon, "GroupNorm", file, line)
        weight = isAffine ? Parameter(.ones([channels], device: device)) : nil
        bias = isAffine ? Parameter(.zeros([channels], device: device)) : nil
        (self.groups, self.channels, self.epsilon) = (groups, channels, epsilon)
    }

    /// y of the shape of x. Traps unless x is [N, C, …].
    public func callAsFunction(_ x: Tensor) -> Tensor {
        guard x.rank >= 2, x.shape[1] == channels else {
            named(by: weight) { programError("GroupNorm", "an input of \(x.shape) is not [N, \(channels), …]") }
        }
        return tapped(x.groupNormalized(groups: groups, weight: weight?.tensor, bias: bias?.tensor, epsilon: epsilon))
    }
}
