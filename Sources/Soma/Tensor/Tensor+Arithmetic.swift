import SomaGraph

// Elementwise arithmetic. Operands have one dtype and broadcast. A number beside a tensor takes the tensor's dtype, and must be one of it:
// beside integers there is no fraction, no NaN, and nothing beyond their range.
// Few overloads on purpose, one for all types of numbers: each costs the type checker time in every expression.

extension Tensor {
    /// a + b
    public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }
    /// a − b
    public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.subtract, a, b) }
    /// a · b, element by element
    public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.multiply, a, b) }
    /// a / b; in integers the quotient is truncated towards zero, and a division by zero gives 0.
    public static func / (a: Tensor, b: Tensor) -> Tensor { binary(.divide, a, b) }

    /// a + b
    public static func + <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { binary(.add, a, a.operand(b, "add")) }
    /// a − b
    public static func - <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { binary(.subtract, a, a.operand(b, "subtract")) }
    /// a · b
    public static func * <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { binary(.multiply, a, a.operand(b, "multiply")) }
    /// a / b
    public static func / <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { binary(.divide, a, a.operand(b, "divide")) }

    /// a + b
    public static func + <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { binary(.add, b.operand(a, "add"), b) }
    /// a − b
    public static func - <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { binary(.subtract, b.operand(a, "subtract"), b) }
    /// a · b
    public static func * <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { binary(.multiply, b.operand(a, "multiply"), b) }
    /// a / b
    public static func / <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { binary(.divide, b.operand(a, "divide"), b) }

    /// −x
    public static prefix func - (x: Tensor) -> Tensor { Tensor(node: .unary(.negate, x.node)) }

    /// a becomes a + b; who holds the old value keeps it.
    public static func += (a: inout Tensor, b: Tensor) { a = a + b }
    /// a becomes a − b; who holds the old value keeps it.
    public static func -= (a: inout Tensor, b: Tensor) { a = a - b }
    /// a becomes a · b; who holds the old value keeps it.
    public static func *= (a: inout Tensor, b: Tensor) { a = a * b }
    /// a becomes a / b; who holds the old value keeps it.
    public static func /= (a: inout Tensor, b: Tensor) { a = a / b }
    /// a becomes a + b; who holds the old value keeps it.
    public static func += <Number: TensorNumber>(a: inout Tensor, b: Number) { a = a + b }
    /// a becomes a − b; who holds the old value keeps it.
    public static func -= <Number: TensorNumber>(a: inout Tensor, b: Number) { a = a - b }
    /// a becomes a · b; who holds the old value keeps it.
    public static func *= <Number: TensorNumber>(a: inout Tensor, b: Number) { a = a * b }
    /// a becomes a / b; who holds the old value keeps it.
    public static func /= <Number: TensorNumber>(a: inout Tensor, b: Number) { a = a / b }
}

/// The lesser of a and b, element by element; NaN where either is NaN.
///
/// The gradient goes to the lesser; equal tensors share it evenly, a number beside a tensor takes it all.
public func minimum(_ a: Tensor, _ b: Tensor) -> Tensor { .binary(.minimum, a, b) }
/// The lesser of each element and `b`; NaN stays NaN. Integers are all less than a number beyond their range.
public func minimum<Number: TensorNumber>(_ a: Tensor, _ b: Number) -> Tensor { .bounded(a, .minimum, b) }
/// The lesser of `a` and each element; NaN stays NaN.
public func minimum<Number: TensorNumber>(_ a: Number, _ b: Tensor) -> Tensor { minimum(b, a) }
/// The greater of a and b, element by element; NaN where either is NaN.
///
/// The gradient goes to the greater; equal tensors share it evenly, a number beside a tensor takes it all.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { .binary(.maximum, a, b) }
/// The greater of each element and `b`; NaN stays NaN. With 0 this is the rectifier, whose derivative at 0 is 0. Integers are all greater
/// than a number below their range.
public func maximum<Number: TensorNumber>(_ a: Tensor, _ b: Number) -> Tensor { .bounded(a, .maximum, b) }
/// The greater of `a` and each element; NaN stays NaN.
public func maximum<Number: TensorNumber>(_ a: Number, _ b: Tensor) -> Tensor { maximum(b, a) }

/// a raised to b, element by element; a negative base with a fractional exponent gives NaN.
public func pow(_ a: Tensor, _ b: Tensor) -> Tensor { .binary(.power, a, b) }
/// Each element raised to `b`.
public func pow<Number: TensorNumber>(_ a: Tensor, _ b: Number) -> Tensor { .binary(.power, a, a.operand(b, "pow")) }
/// `a` raised to each element.
public func pow<Number: TensorNumber>(_ a: Number, _ b: Tensor) -> Tensor { .binary(.power, b.operand(a, "pow"), b) }

/// What remains of a divided by b, with the sign of a, as Swift's `%` has it; an integer modulo zero gives 0.
public func remainder(_ a: Tensor, _ b: Tensor) -> Tensor { .binary(.remainder, a, b) }
/// What remains of each element divided by `b`, with the sign of the element.
public func remainder<Number: TensorNumber>(_ a: Tensor, _ b: Number) -> Tensor { .binary(.remainder, a, a.operand(b, "remainder")) }
/// What remains of `a` divided by each element, with the sign of `a`.
public func remainder<Number: TensorNumber>(_ a: Number, _ b: Tensor) -> Tensor { .binary(.remainder, b.operand(a, "remainder"), b) }

extension Tensor {
    /// Each element, or the nearer bound where it lies outside of `bounds`; no gradient passes at or beyond a bound.
    public func clamped<Number: TensorNumber>(to bounds: ClosedRange<Number>) -> Tensor {
        minimum(maximum(self, bounds.lowerBound), bounds.upperBound)
    }

    /// The lesser or greater of each element and `bound`, which integers need not hold where it bounds nothing.
    static func bounded<Number: TensorNumber>(_ x: Tensor, _ function: BinaryFunction, _ bound: Number) -> Tensor {
        let isFree = function == .minimum ? x.dtype.isBelow(bound.exactly) : x.dtype.isAbove(bound.exactly)
        return isFree ? x : .binary(function, x, x.operand(bound, "\(function)"))
    }
}
