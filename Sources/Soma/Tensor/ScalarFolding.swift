import SomaGraph

// Arithmetic of constants on the host, with the meaning that the primitives define.

extension Scalar {
    /// The number in another dtype; `nil` where it is left to the device.
    func converted(to dtype: DType) -> Scalar? {
        if dtype == self.dtype { return self }
        if self.dtype.isFloatingPoint || dtype == .bool { return Scalar(double, dtype) }
        if dtype.isFloatingPoint { return self.dtype == .int64 ? nil : Scalar(double, dtype) }
        return Scalar(integer: integer, dtype)
    }

    /// `function` of two constants of one dtype; `nil` where it is left to the device.
    func combined(with other: Scalar, by function: BinaryFunction) -> Scalar? {
        guard dtype == other.dtype, function.accepts(dtype) else { return nil }
        if dtype.isFloatingPoint { return Scalar.real(function, double, other.double, dtype) }
        return Scalar.whole(function, integer, other.integer, dtype)
    }

    /// The value of an integer or a bool, exactly.
    private var integer: Int64 {
        switch dtype {
        case .int32: Int64(Int32(truncatingIfNeeded: bits))
        case .uint32: Int64(UInt32(truncatingIfNeeded: bits))
        case .uint8, .bool: Int64(UInt8(truncatingIfNeeded: bits))
        case .int64, .float32: Int64(truncatingIfNeeded: bits)
        }
    }

    /// The low bits of `value`.
    private init(integer value: Int64, _ dtype: DType) {
        let mask = dtype.byteCount == 8 ? UInt64.max : (1 << UInt64(8 * dtype.byteCount)) - 1
        self.init(bits: UInt64(bitPattern: value) & mask, dtype: dtype)
    }

    /// In double precision, then rounded: for these functions the same as in single precision.
    private static func real(_ function: BinaryFunction, _ a: Double, _ b: Double, _ dtype: DType) -> Scalar? {
        switch function {
        case .add: Scalar(a + b, dtype)
        case .subtract: Scalar(a - b, dtype)
        case .multiply: Scalar(a * b, dtype)
        case .divide: Scalar(a / b, dtype)
        case .minimum: Scalar(a.isNaN || b.isNaN ? .nan : Swift.min(a, b), dtype)
        case .maximum: Scalar(a.isNaN || b.isNaN ? .nan : Swift.max(a, b), dtype)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: compared(function, a, b)
        case .power, .remainder, .and, .or, .xor, .shiftLeft, .shiftRight: nil
        }
    }

    private static func whole(_ function: BinaryFunction, _ a: Int64, _ b: Int64, _ dtype: DType) -> Scalar? {
        switch function {
        case .add: Scalar(integer: a &+ b, dtype)
        case .subtract: Scalar(integer: a &- b, dtype)
        case .multiply: Scalar(integer: a &* b, dtype)
        case .minimum: Scalar(integer: Swift.min(a, b), dtype)
        case .maximum: Scalar(integer: Swift.max(a, b), dtype)
        case .and: Scalar(integer: a & b, dtype)
        case .or: Scalar(integer: a | b, dtype)
        case .xor: Scalar(integer: a ^ b, dtype)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: compared(function, a, b)
        case .power, .divide, .remainder, .shiftLeft, .shiftRight: nil
        }
    }

    private static func compared<Number: Comparable>(_ function: BinaryFunction, _ a: Number, _ b: Number) -> Scalar? {
        let holds: Bool
        switch function {
        case .equal: holds = a == b
        case .notEqual: holds = a != b
        case .less: holds = a < b
        case .lessOrEqual: holds = a <= b
        case .greater: holds = a > b
        case .greaterOrEqual: holds = a >= b
        default: return nil
        }
        return Scalar(bits: holds ? 1 : 0, dtype: .bool)
    }
}
