import SomaGraph

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .&& : LogicalConjunctionPrecedence
infix operator .|| : LogicalDisjunctionPrecedence
prefix operator .!

// Elementwise comparison gives `bool`. With NaN every comparison but `.!=` is false. `.<`, `.<=`, `.>` and `.>=` are
// declared by the standard library for SIMD vectors.
//
// What two sides of a comparison were picked from, as an element and the maximum of its row were, is computed once in a program: then
// `x .== x.max()` holds somewhere, however a device rounds.

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
    public static func .== <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.equal, b) }
    /// a ≠ b, element by element
    public static func .!= <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.notEqual, b) }
    /// a < b, element by element
    public static func .< <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.less, b) }
    /// a ≤ b, element by element
    public static func .<= <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.lessOrEqual, b) }
    /// a > b, element by element
    public static func .> <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.greater, b) }
    /// a ≥ b, element by element
    public static func .>= <Number: TensorNumber>(a: Tensor, b: Number) -> Tensor { a.compared(.greaterOrEqual, b) }

    /// Beside an infinity every integer lies on the same side; any other number must be one of the dtype.
    func compared<Number: TensorNumber>(_ function: BinaryFunction, _ number: Number) -> Tensor {
        guard case .real(let value) = number.exactly, value.isInfinite, !dtype.isFloatingPoint else {
            return .binary(function, self, operand(number, "\(function)"))
        }
        let holds =
            switch function {
            case .less, .lessOrEqual: value > 0
            case .greater, .greaterOrEqual: value < 0
            default: function == .notEqual
            }
        return .full(shape, holds ? 1 : 0, dtype: .bool, device: device)
    }

    /// a = b, element by element
    public static func .== <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .== a }
    /// a ≠ b, element by element
    public static func .!= <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .!= a }
    /// a < b, element by element
    public static func .< <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .> a }
    /// a ≤ b, element by element
    public static func .<= <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .>= a }
    /// a > b, element by element
    public static func .> <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .< a }
    /// a ≥ b, element by element
    public static func .>= <Number: TensorNumber>(a: Number, b: Tensor) -> Tensor { b .<= a }

    /// Whether both hold; on integers, bit by bit.
    public static func .&& (a: Tensor, b: Tensor) -> Tensor { binary(.and, a, b) }
    /// Whether either holds; on integers, bit by bit.
    public static func .|| (a: Tensor, b: Tensor) -> Tensor { binary(.or, a, b) }
    /// Whether x does not hold.
    public static prefix func .! (x: Tensor) -> Tensor { Tensor(node: .unary(.not, x.node)) }

    /// Whether an element is NaN.
    public var isNaN: Tensor { self .!= self }
    /// Whether an element is ∞ or −∞, which no integer is.
    public var isInfinite: Tensor {
        dtype.isFloatingPoint ? abs(self) .== .infinity : .full(shape, 0, dtype: .bool, device: device)
    }
    /// Whether an element is neither NaN nor infinite, which no integer is.
    public var isFinite: Tensor {
        dtype.isFloatingPoint ? abs(self) .< .infinity : .full(shape, 1, dtype: .bool, device: device)
    }
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

    /// `a` where `condition` holds, the number `b` elsewhere.
    public static func select<Number: TensorNumber>(_ condition: Tensor, _ a: Tensor, _ b: Number) -> Tensor {
        .select(condition, a, a.operand(b, "select"))
    }

    /// The number `a` where `condition` holds, `b` elsewhere.
    public static func select<Number: TensorNumber>(_ condition: Tensor, _ a: Number, _ b: Tensor) -> Tensor {
        .select(condition, b.operand(a, "select"), b)
    }

    /// `replacement` where `condition` holds, this tensor elsewhere.
    public func replacing(with replacement: Tensor, where condition: Tensor) -> Tensor {
        .select(condition, replacement, self)
    }

    /// `replacement` where `condition` holds, this tensor elsewhere.
    public func replacing<Number: TensorNumber>(with replacement: Number, where condition: Tensor) -> Tensor {
        .select(condition, operand(replacement, "replacing"), self)
    }
}
