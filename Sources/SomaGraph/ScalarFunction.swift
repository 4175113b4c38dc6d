/// A function of one number. Those of real arguments take and give `float32`; `negate`, `abs` and `sign` also integers;
/// `not` is the logical complement of a `bool`.
public enum UnaryFunction: UInt8, Hashable, Sendable, CaseIterable {
    /// −x, |x|, and −1, 0 or 1 by the sign of x. The least signed integer has no opposite and stays as it is.
    case negate, abs, sign
    /// eˣ, eˣ − 1, ln x, ln(1 + x), √x, 1/√x and 1/x; `expm1` and `log1p` stay accurate near 0.
    case exp, expm1, log, log1p, sqrt, rsqrt, reciprocal
    /// log₂ x and log₁₀ x, exact where x is a power of the base.
    case log2, log10
    /// Angles are in radians; sigmoid(x) = 1/(1 + e⁻ˣ); erf(x) = 2/√π · ∫₀ˣ e^(−t²) dt.
    case sin, cos, tanh, sigmoid, erf
    /// The nearest whole number that is not above, or not below, x.
    case floor, ceil
    /// To the nearest whole number, ties to even.
    case round
    /// Logical complement.
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

    /// Whether the result is a `bool` whatever the dtype of the operands.
    public var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    /// Whether the function is defined for operands of `dtype`.
    public func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .power: dtype.isFloatingPoint
        case .add, .subtract, .multiply, .divide, .remainder: dtype != .bool
        case .minimum, .maximum, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        case .and, .or, .xor: !dtype.isFloatingPoint
        case .shiftLeft, .shiftRight: dtype.isInteger
        }
    }

    /// The dtype of the result for operands of `dtype`, which the function must accept.
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

    /// Whether the result is an index along the axis and not a value: `argmax` and `argmin`.
    public var givesIndex: Bool { self == .argmax || self == .argmin }
    /// The dtype of the result for elements of `dtype`: `int32` for an index, else the same.
    public func resultType(_ dtype: DType) -> DType { givesIndex ? .int32 : dtype }
}
