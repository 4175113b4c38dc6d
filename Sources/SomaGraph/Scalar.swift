/// One number of a given dtype, as the bits that a device reads.
///
/// The value of a scalar is never part of a graph's structure: two graphs that differ only in their scalars share
/// one compiled program, and the values travel as arguments.
public struct Scalar: Hashable, Sendable {
    /// The little-endian bit pattern, in the low bytes.
    public let bits: UInt64
    /// How the bits are to be read.
    public let dtype: DType

    /// The bits are taken as they are: those above the width of `dtype` must be 0, or scalars of one value compare as different.
    public init(bits: UInt64, dtype: DType) {
        self.bits = bits
        self.dtype = dtype
    }

    /// The nearest value of `dtype`; integers saturate, NaN becomes 0 in an integer, `bool` is `value != 0`.
    public init(_ value: Double, _ dtype: DType) {
        self.dtype = dtype
        switch dtype {
        case .float32: bits = UInt64(Float(value).bitPattern)
        case .int32: bits = UInt64(UInt32(bitPattern: Int32(saturating: value)))
        case .uint32: bits = UInt64(UInt32(saturating: value))
        case .int64: bits = UInt64(bitPattern: Int64(saturating: value))
        case .uint8: bits = UInt64(UInt8(saturating: value))
        case .bool: bits = value != 0 ? 1 : 0
        }
    }

    /// The value as a Double, which is exact except for an int64 beyond 2⁵³.
    public var double: Double {
        switch dtype {
        case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .int32: Double(Int32(truncatingIfNeeded: bits))
        case .uint32: Double(UInt32(truncatingIfNeeded: bits))
        case .int64: Double(Int64(truncatingIfNeeded: bits))
        case .uint8, .bool: Double(UInt8(truncatingIfNeeded: bits))
        }
    }
}

extension DType {
    /// Whether the dtype can represent `value`: an integer dtype the whole numbers of its range, `bool` 0 and 1, a real dtype every number, which it
    /// rounds.
    public func holds(_ value: Double) -> Bool {
        switch self {
        case .float32: true
        case .int32: Int32(exactly: value) != nil
        case .uint32: UInt32(exactly: value) != nil
        case .int64: Int64(exactly: value) != nil
        case .uint8: UInt8(exactly: value) != nil
        case .bool: value == 0 || value == 1
        }
    }

    /// Whether every number of the dtype is below `value`.
    public func isBelow(_ value: Double) -> Bool { !isFloatingPoint && value > 0 && !holds(value.rounded(.down)) }

    /// Whether every number of the dtype is above `value`.
    public func isAbove(_ value: Double) -> Bool { !isFloatingPoint && value < 0 && !holds(value.rounded(.up)) }
}

extension FixedWidthInteger {
    /// The whole number nearest towards zero, clamped to the type's range; 0 for NaN.
    fileprivate init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= Double(Self.max) {
            self = .max
        } else if value <= Double(Self.min) {
            self = .min
        } else {
            self = Self(value)
        }
    }
}
