import SomaGraph

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence
prefix operator .!

// Elementwise comparison gives `bool`. With NaN every comparison but `.!=` is false. `.<`, `.<=`, `.>` and `.>=` are
// declared by the standard library for SIMD vectors.

extension Tensor {
    /// a = b, element by element
    public static func .== (a: Tensor, b: Tensor) -> Tensor { binary(.equal, a, b) }
    /// a ≠ b, element by element
    public static func .!= (a: Tensor, b: Tensor) -> Tensor { binary(.notEqual, a, b) }
    /// a < b, element by element
    public static func .< (a: Tensor, b: Tensor) -> Tensor { binary(.less, a, b) }
    /// a ≤ b, element by element
    public static func .<= (a: Tensor, b: Tensor) -> Tensor { binary(.lessOrEqual, a, b) }
    /// a > b, element by element
    public static func .> (a: Tensor, b: Tensor) -> Tensor { binary(.greater, a, b) }
    /// a ≥ b, element by element
    public static func .>= (a: Tensor, b: Tensor) -> Tensor { binary(.greaterOrEqual, a, b) }

    /// a = b, element by element
    public static func .== (a: Tensor, b: Double) -> Tensor { binary(.equal, a, a.operand(b, "equal")) }
    /// a ≠ b, element by element
    public static func .!= (a: Tensor, b: Double) -> Tensor { binary(.notEqual, a, a.operand(b, "notEqual")) }
    /// a < b, element by element
    public static func .< (a: Tensor, b: Double) -> Tensor { binary(.less, a, a.operand(b, "less")) }
    /// a ≤ b, element by element
    public static func .<= (a: Tensor, b: Double) -> Tensor { binary(.lessOrEqual, a, a.operand(b, "lessOrEqual")) }
    /// a > b, element by element
    public static func .> (a: Tensor, b: Double) -> Tensor { binary(.greater, a, a.operand(b, "greater")) }
    /// a ≥ b, element by element
    public static func .>= (a: Tensor, b: Double) -> Tensor {
        binary(.greaterOrEqual, a, a.operand(b, "greaterOrEqual"))
    }

    /// Whether both hold; on integers, bit by bit.
    public static func .&& (a: Tensor, b: Tensor) -> Tensor { binary(.and, a, b) }
    /// Whether either holds; on integers, bit by bit.
    public static func .|| (a: Tensor, b: Tensor) -> Tensor { binary(.or, a, b) }
    /// Whether x does not hold.
    public static prefix func .! (x: Tensor) -> Tensor { Tensor(node: .unary(.not, x.node)) }

    /// Whether an element is NaN.
    public var isNaN: Tensor { self .!= self }
    /// Whether an element is neither NaN nor infinite.
    public var isFinite: Tensor { abs(self) .< .infinity }
}

extension Tensor {
    /// `a` where `condition` (a `bool`) holds, `b` elsewhere; all three broadcast.
    public static func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        let values = broadcastShape("select", a, b)
        guard let shape = Shape.broadcast(condition.shape, values) else {
            programError("select", "condition \(condition.shape) and values \(a.shape), \(b.shape) do not match")
        }
        return Tensor(
            node: .select(
                condition.stretched(to: shape).node, a.stretched(to: shape).node, b.stretched(to: shape).node))
    }

    /// `replacement` where `condition` holds, this tensor elsewhere.
    public func replacing(with replacement: Tensor, where condition: Tensor) -> Tensor {
        .select(condition, replacement, self)
    }

    /// `replacement` where `condition` holds, this tensor elsewhere.
    public func replacing(with replacement: Double, where condition: Tensor) -> Tensor {
        .select(condition, operand(replacement, "replacing"), self)
    }
}
