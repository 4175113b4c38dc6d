import SomaGraph

/// How a dtype is written in OpenCL C.
extension DType {
    /// The type of an element in memory.
    var memoryType: String {
        switch self {
        case .float32: "float"
        case .int32: "int"
        case .uint32: "uint"
        case .int64: "long"
        case .uint8, .bool: "uchar"
        }
    }

    /// The type of a value in a register.
    var valueType: String { self == .bool ? "bool" : memoryType }

    /// A value read from memory.
    func loaded(_ expression: String) -> String { self == .bool ? "\(expression) != 0" : expression }

    /// A value as it is written to memory.
    func stored(_ value: String) -> String { self == .bool ? "(uchar)\(value)" : value }

    /// The least and the greatest value, which the maximum and the minimum of nothing are.
    var lowest: String {
        switch self {
        case .float32: "-INFINITY"
        case .int32: "INT_MIN"
        case .int64: "LONG_MIN"
        case .uint32, .uint8, .bool: "0"
        }
    }

    var highest: String {
        switch self {
        case .float32: "INFINITY"
        case .int32: "INT_MAX"
        case .uint32: "UINT_MAX"
        case .int64: "LONG_MAX"
        case .uint8: "UCHAR_MAX"
        case .bool: "1"
        }
    }

    /// A real as an integer saturates; every other conversion is C's, or a comparison with zero.
    func cast(_ value: String, to target: DType) -> String {
        if target == .bool { return "\(value) != 0" }
        if self == .float32 && target.isInteger { return "soma_truncate_\(target.valueType)(\(value))" }
        return "(\(target.valueType))\(value)"
    }
}

extension UnaryFunction {
    /// The function of a value in OpenCL C.
    func text(_ x: String, _ dtype: DType) -> String {
        switch self {
        case .not: "!\(x)"
        case .negate where dtype == .float32: "-\(x)"
        default: "soma_\(self)_\(dtype.valueType)(\(x))"
        }
    }
}

extension BinaryFunction {
    /// The function of two values of `dtype` in OpenCL C.
    func text(_ a: String, _ b: String, _ dtype: DType) -> String {
        switch self {
        case .add where dtype == .float32: "\(a) + \(b)"
        case .subtract where dtype == .float32: "\(a) - \(b)"
        case .multiply where dtype == .float32: "\(a) * \(b)"
        case .divide where dtype == .float32: "\(a) / \(b)"
        case .minimum where dtype == .bool, .and where dtype == .bool: "\(a) && \(b)"
        case .maximum where dtype == .bool, .or where dtype == .bool: "\(a) || \(b)"
        case .xor where dtype == .bool: "\(a) != \(b)"
        case .and: "\(a) & \(b)"
        case .or: "\(a) | \(b)"
        case .xor: "\(a) ^ \(b)"
        case .equal: "\(a) == \(b)"
        case .notEqual: "\(a) != \(b)"
        case .less: "\(a) < \(b)"
        case .lessOrEqual: "\(a) <= \(b)"
        case .greater: "\(a) > \(b)"
        case .greaterOrEqual: "\(a) >= \(b)"
        default: "soma_\(self)_\(dtype.valueType)(\(a), \(b))"
        }
    }
}

extension ReduceOperation {
    /// The reduction of no elements.
    func identity(_ dtype: DType) -> String {
        switch self {
        case .sum: "0"
        case .product: "1"
        case .max, .argmax: dtype.lowest
        case .min, .argmin: dtype.highest
        }
    }

    /// Two partial results made one; not for argmax and argmin, whose partial results are pairs.
    func combined(_ a: String, _ b: String, _ dtype: DType) -> String {
        switch self {
        case .sum: BinaryFunction.add.text(a, b, dtype)
        case .product: BinaryFunction.multiply.text(a, b, dtype)
        case .max: BinaryFunction.maximum.text(a, b, dtype)
        case .min: BinaryFunction.minimum.text(a, b, dtype)
        case .argmax, .argmin: programError("OpenCL", "the partial results of \(self) are pairs")
        }
    }
}
