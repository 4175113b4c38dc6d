/// The least that a computation takes, however it is carried out: the arithmetic of its definition, the bytes that must come from memory and go there
/// at least once, and the launches where it asks for each of several results by itself.
public struct Work: Hashable, Sendable {
    /// Floating-point operations; a multiplication and the addition that takes its product are two.
    public var operations: Double
    /// Bytes of all inputs, each read once.
    public var bytesRead: Double
    /// Bytes of all results, each written once.
    public var bytesWritten: Double
    /// Launches, where the time to start them bounds the computation; else 0.
    public var launches: Double

    /// All default to 0, so that a caller names what there is.
    public init(operations: Double = 0, bytesRead: Double = 0, bytesWritten: Double = 0, launches: Double = 0) {
        (self.operations, self.bytesRead, self.bytesWritten, self.launches) = (operations, bytesRead, bytesWritten, launches)
    }

    /// The work of a copy of so many bytes.
    public init(copying byteCount: Int) { self.init(bytesRead: Double(byteCount), bytesWritten: Double(byteCount)) }

    /// Operations for each byte moved; infinite where none is.
    public var intensity: Double { operations / (bytesRead + bytesWritten) }
}
