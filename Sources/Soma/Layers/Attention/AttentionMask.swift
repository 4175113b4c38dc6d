import SomaGraph

/// Which keys each query of attention sees, and what is added to its logits. A query that sees no key gets zeros.
///
/// With T queries and S keys, query t stands at the place t + S − T among the keys: the last query at the last key, as where earlier keys come
/// from a cache.
public struct AttentionMask: Sendable {
    /// Whether a query sees the keys up to its own place alone.
    public let isCausal: Bool
    /// How many keys up to its own place a query sees at most; nil for all.
    public let window: Int?
    /// How many of the keys are those of each sample: integers [B] in 0 ... S; nil for S. What lies behind counts for nothing, whatever it is. A
    /// length out of range traps where the host has the numbers; where only the device has, it counts as the nearest in range.
    public var lengths: Tensor?
    /// What is added to the logits: float32 that broadcasts to [B, H, T, S]. −∞ hides a key.
    public var bias: Tensor?

    /// Every query sees every key unless something is named. Traps where a window is not positive or the mask is not causal beside it.
    public init(
        isCausal: Bool = false, window: Int? = nil, lengths: Tensor? = nil, bias: Tensor? = nil, file: StaticString = #fileID, line: UInt = #line
    ) {
        if let window, window < 1 || !isCausal {
            programError("AttentionMask", "a window of \(window)\(isCausal ? "" : " without a causal mask")", file: file, line: line)
        }
        (self.isCausal, self.window, self.lengths, self.bias) = (isCausal, window, lengths, bias)
    }

    /// Every query sees every key.
    public static let none = AttentionMask()

    /// A query sees the keys up to its own place.
    public static let causal = AttentionMask(isCausal: true)
}
