/// The type of a tensor's elements.
///
/// `float64` is deliberately absent: the engine computes in single precision and the tests hold it against an
/// interpreter in double precision. Half-precision storage types fit in as further cases.
public enum DType: UInt8, Hashable, Sendable, CaseIterable {
    case float32, int32, uint32, int64, uint8, bool

    /// Bytes of one element in memory; a `bool` is one byte, 0 or 1.
    public var byteCount: Int {
        switch self {
        case .float32, .int32, .uint32: 4
        case .int64: 8
        case .uint8, .bool: 1
        }
    }

    /// Whether the elements are real numbers, so that a gradient exists.
    public var isFloatingPoint: Bool { self == .float32 }

    /// Whether the elements are whole numbers; `bool` is not counted.
    public var isInteger: Bool {
        switch self {
        case .int32, .uint32, .int64, .uint8: true
        case .float32, .bool: false
        }
    }
}

extension DType: CustomStringConvertible {
    public var description: String {
        switch self {
        case .float32: "float32"
        case .int32: "int32"
        case .uint32: "uint32"
        case .int64: "int64"
        case .uint8: "uint8"
        case .bool: "bool"
        }
    }
}
