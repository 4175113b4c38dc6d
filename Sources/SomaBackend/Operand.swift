import SomaGraph

/// Where the elements of an operand lie: the element at position (i₀, i₁, …) of a step's domain is element
/// `offset + Σ iₐ·strides[a]` of the buffer. A stride of 0 repeats an element, a negative one walks backwards.
public struct Access: Hashable, Sendable {
    public var strides: [Int]
    public var offset: Int
    /// A further offset in elements that is known only when the program runs: its place in `Bindings.offsets`.
    public var runtimeOffset: Int?

    public init(strides: [Int], offset: Int = 0, runtimeOffset: Int? = nil) {
        self.strides = strides
        self.offset = offset
        self.runtimeOffset = runtimeOffset
    }
}

/// A buffer that a step reads or writes, and which elements of it.
public struct Operand: Hashable, Sendable {
    /// The place in `Bindings.buffers`.
    public var slot: Int
    public var dtype: DType
    public var access: Access

    public init(slot: Int, dtype: DType, access: Access) {
        self.slot = slot
        self.dtype = dtype
        self.access = access
    }
}
