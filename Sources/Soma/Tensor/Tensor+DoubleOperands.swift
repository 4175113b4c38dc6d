import SomaGraph

// The functions and comparisons that a bound is given to, once more for Double alone. What they do is what the generic ones do; but only of these
// can the compiler tell whose infinity is meant by `x .== -.infinity`.

extension Tensor {
    /// a = b, element by element
    public static func .== (a: Tensor, b: Double) -> Tensor { a.compared(.equal, b) }
    /// a ≠ b, element by element
    public static func .!= (a: Tensor, b: Double) -> Tensor { a.compared(.notEqual, b) }
    /// a < b, element by element
    public static func .< (a: Tensor, b: Double) -> Tensor { a.compared(.less, b) }
    /// a ≤ b, element by element
    public static func .<= (a: Tensor, b: Double) -> Tensor { a.compared(.lessOrEqual, b) }
    /// a > b, element by element
    public static func .> (a: Tensor, b: Double) -> Tensor { a.compared(.greater, b) }
    /// a ≥ b, element by element
    public static func .>= (a: Tensor, b: Double) -> Tensor { a.compared(.greaterOrEqual, b) }

    /// A single number, of rank 0, which `dtype` must hold.
    public init(_ value: Double, dtype: DType = .float32, device: Device = .current, file: StaticString = #fileID, line: UInt = #line) {
        self.init(number: value, dtype, device, file, line)
    }

    /// `value` everywhere, which `dtype` must hold; takes no memory of its own.
    public static func full(
        _ shape: Shape, _ value: Double, dtype: DType = .float32, device: Device = .current, file: StaticString = #fileID, line: UInt = #line
    ) -> Tensor {
        Tensor(number: value, dtype, device, file, line).repeated(to: shape)
    }

    /// `value` in the shape and dtype and on the device of `other`.
    public static func full(like other: Tensor, _ value: Double, file: StaticString = #fileID, line: UInt = #line) -> Tensor {
        full(other.shape, value, dtype: other.dtype, device: other.device, file: file, line: line)
    }

    /// `a` where `condition` holds, the number `b` elsewhere.
    public static func select(_ condition: Tensor, _ a: Tensor, _ b: Double) -> Tensor { .select(condition, a, a.operand(b, "select")) }

    /// The number `a` where `condition` holds, `b` elsewhere.
    public static func select(_ condition: Tensor, _ a: Double, _ b: Tensor) -> Tensor { .select(condition, b.operand(a, "select"), b) }

    /// `replacement` where `condition` holds, this tensor elsewhere.
    public func replacing(with replacement: Double, where condition: Tensor) -> Tensor {
        .select(condition, operand(replacement, "replacing"), self)
    }

    /// Each element, or the nearer bound where it lies outside of `bounds`; no gradient passes at or beyond a bound.
    public func clamped(to bounds: ClosedRange<Double>) -> Tensor { minimum(maximum(self, bounds.lowerBound), bounds.upperBound) }
}

/// The lesser of each element and `b`; NaN stays NaN. Integers are all less than a number beyond their range.
public func minimum(_ a: Tensor, _ b: Double) -> Tensor { .bounded(a, .minimum, b) }
/// The greater of each element and `b`; NaN stays NaN. Integers are all greater than a number below their range.
public func maximum(_ a: Tensor, _ b: Double) -> Tensor { .bounded(a, .maximum, b) }
