import SomaGraph

// Functions of one number, element by element, written as mathematics writes them. All but `abs` and `sign` are of real
// numbers.

/// |x|; the derivative at 0 is 0.
public func abs(_ x: Tensor) -> Tensor { .unary(.abs, x) }
/// −1, 0 or 1 as x is below, at or above 0; NaN stays NaN.
public func sign(_ x: Tensor) -> Tensor { .unary(.sign, x) }
/// eˣ
public func exp(_ x: Tensor) -> Tensor { .unary(.exp, x) }
/// eˣ − 1, without the loss of digits that the subtraction has near 0.
public func expm1(_ x: Tensor) -> Tensor { .unary(.expm1, x) }
/// The natural logarithm: −∞ at 0, NaN below.
public func log(_ x: Tensor) -> Tensor { .unary(.log, x) }
/// The logarithm to base 2: −∞ at 0, NaN below; a whole number exactly where x is a power of two.
public func log2(_ x: Tensor) -> Tensor { .unary(.log2, x) }
/// The logarithm to base 10: −∞ at 0, NaN below; a whole number exactly where x is 10⁰, 10¹ … 10¹⁰, which float32 holds.
public func log10(_ x: Tensor) -> Tensor { .unary(.log10, x) }
/// log(1 + x), without the loss of digits that the addition has near 0.
public func log1p(_ x: Tensor) -> Tensor { .unary(.log1p, x) }
/// √x; the derivative at 0 is infinite.
public func sqrt(_ x: Tensor) -> Tensor { .unary(.sqrt, x) }
/// 1 / √x
public func rsqrt(_ x: Tensor) -> Tensor { .unary(.rsqrt, x) }
/// 1 / x
public func reciprocal(_ x: Tensor) -> Tensor { .unary(.reciprocal, x) }
/// x²
public func square(_ x: Tensor) -> Tensor { x * x }
/// The sine of x radians.
public func sin(_ x: Tensor) -> Tensor { .unary(.sin, x) }
/// The cosine of x radians.
public func cos(_ x: Tensor) -> Tensor { .unary(.cos, x) }
/// The hyperbolic tangent.
public func tanh(_ x: Tensor) -> Tensor { .unary(.tanh, x) }
/// 1 / (1 + e⁻ˣ)
public func sigmoid(_ x: Tensor) -> Tensor { .unary(.sigmoid, x) }
/// The error function 2/√π ∫₀ˣ e^(−t²) dt.
public func erf(_ x: Tensor) -> Tensor { .unary(.erf, x) }
/// The greatest whole number not above x.
public func floor(_ x: Tensor) -> Tensor { .unary(.floor, x) }
/// The least whole number not below x.
public func ceil(_ x: Tensor) -> Tensor { .unary(.ceil, x) }
/// The nearest whole number, ties to even.
public func round(_ x: Tensor) -> Tensor { .unary(.round, x) }

extension Tensor {
    @inline(__always)
    static func unary(_ function: UnaryFunction, _ x: Tensor) -> Tensor { Tensor(node: .unary(function, x.node)) }
}
