/// A function of one number. Those of real arguments take and give `float32`; `negate`, `abs` and `sign` also integers;
/// `not` is the logical complement of a `bool`.
public enum UnaryFunction: UInt8, Hashable, Sendable, CaseIterable {
    case negate, abs, sign
    case exp, expm1, log, log1p, sqrt, rsqrt, reciprocal
    case sin, cos, tanh, sigmoid, erf
    case floor, ceil
    /// To the nearest whole number, ties to even.
    case round
    case not

    /// Whether the function is defined for elements of `dtype`.
    public func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .negate, .abs, .sign: dtype != .bool
        case .not: dtype == .bool
        default: dtype.isFloatingPoint
        }
    }
}

/// A function of two numbers of one dtype.
public enum BinaryFunction: UInt8, Hashable, Sendable, CaseIterable {
    /// Integer overflow wraps.
    case add, subtract, multiply
    /// In integers the quotient is truncated towards zero; a division by zero gives 0.
    case divide
    /// Real numbers only.
    case power
    /// NaN if either is NaN.
    case minimum, maximum
    /// The remainder with the sign of the dividend (C's `fmod`); an integer modulo zero gives 0.
    case remainder
    /// Comparisons give `bool`; with NaN all but `notEqual` are false.
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    /// On `bool` and, bit by bit, on integers.
    case and, or, xor
    /// On integers; a right shift of a signed number keeps the sign. Counts are taken modulo the width.
    case shiftLeft, shiftRight

    public var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    public func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .power: dtype.isFloatingPoint
        case .add, .subtract, .multiply, .divide, .remainder: dtype != .bool
        case .minimum, .maximum, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        case .and, .or, .xor: !dtype.isFloatingPoint
        case .shiftLeft, .shiftRight: dtype.isInteger
        }
    }

    public func resultType(_ dtype: DType) -> DType { isComparison ? .bool : dtype }
}

/// How a reduction combines the elements along its axes.
public enum ReduceOperation: UInt8, Hashable, Sendable, CaseIterable {
    /// Empty: 0 and 1.
    case sum, product
    /// NaN if any is NaN; empty: the lowest and the highest value of the dtype.
    case max, min
    /// The index (`int32`) of the first greatest or least element along one axis; NaN counts as the greatest and as the
    /// least, like NumPy.
    case argmax, argmin

    public var givesIndex: Bool { self == .argmax || self == .argmin }
    public func resultType(_ dtype: DType) -> DType { givesIndex ? .int32 : dtype }
}
