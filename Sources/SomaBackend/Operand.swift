import SomaGraph

/// Where the elements of an operand lie: the element at position (i₀, i₁, …) of a step's domain is element
/// `offset + Σ iₐ·strides[a]` of the buffer. A stride of 0 repeats an element, a negative one walks backwards.
public struct Access: Hashable, Sendable {
    /// Elements from one position to the next along each extent of the domain, outermost first.
    public var strides: [Int]
    /// The element at the first position.
    public var offset: Int
    /// A further offset in elements that is known only when the program runs: its place in `Bindings.offsets`.
    public var runtimeOffset: Int?

    /// Does not check that all elements lie in the buffer.
    public init(strides: [Int], offset: Int = 0, runtimeOffset: Int? = nil) {
        self.strides = strides
        self.offset = offset
        self.runtimeOffset = runtimeOffset
    }
}

/// A buffer that a step reads or writes, and which elements of it.
public struct Operand: Hashable, Sendable {
    /// The index into `Bindings.buffers`.
    public var slot: Int
    /// The type of the elements in the buffer.
    public var dtype: DType
    /// Which element of the buffer belongs to which position.
    public var access: Access

    /// The slot must be one of the program's; this is not checked here.
    public init(slot: Int, dtype: DType, access: Access) {
        self.slot = slot
        self.dtype = dtype
        self.access = access
    }
}
