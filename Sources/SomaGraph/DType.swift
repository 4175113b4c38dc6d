/// The type of a tensor's elements.
///
/// `float64` is deliberately absent: the engine computes in single precision and the tests hold it against an
/// interpreter in double precision. Half-precision storage types fit in as further cases.
public enum DType: UInt8, Hashable, Sendable, CaseIterable {
    /// IEEE 754 single precision; the only dtype that has gradients.
    case float32
    /// Two's complement, −2³¹ ..< 2³¹; the dtype of indices.
    case int32
    /// 0 ..< 2³²; the dtype of random words.
    case uint32
    /// Two's complement, −2⁶³ ..< 2⁶³.
    case int64
    /// 0 ..< 256; the dtype of the pixels of stored images.
    case uint8
    /// False or true, a byte of 0 or 1; what comparisons give.
    case bool

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
