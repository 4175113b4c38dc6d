import SomaGraph

/// A number of Swift that stands beside a tensor and takes its dtype, as in `x * 2`, `0.5 * x` or `x / scale`.
public protocol TensorNumber: TensorElement {
    /// The number, exactly.
    var exactly: ExactNumber { get }
}

/// A number as no dtype rounds it.
public enum ExactNumber: Hashable, Sendable {
    /// A floating-point number, NaN and infinities included.
    case real(Double)
    /// A whole number.
    case whole(Int64)
}

extension ExactNumber {
    /// The nearest Double.
    var double: Double {
        switch self {
        case .real(let value): value
        case .whole(let value): Double(value)
        }
    }

    /// As a message tells it.
    var text: String {
        switch self {
        case .real(let value): "\(value)"
        case .whole(let value): "\(value)"
        }
    }
}

extension Double: TensorNumber { public var exactly: ExactNumber { .real(self) } }
extension Float: TensorNumber { public var exactly: ExactNumber { .real(Double(self)) } }
extension Int: TensorNumber { public var exactly: ExactNumber { .whole(Int64(self)) } }
extension Int64: TensorNumber { public var exactly: ExactNumber { .whole(self) } }
extension Int32: TensorNumber { public var exactly: ExactNumber { .whole(Int64(self)) } }
extension UInt32: TensorNumber { public var exactly: ExactNumber { .whole(Int64(self)) } }
extension UInt8: TensorNumber { public var exactly: ExactNumber { .whole(Int64(self)) } }

// So that `x * .pi` and `x .< .infinity` go on to read as they do beside a Double; `Double.infinity` stays the one of the standard library.
extension TensorNumber where Self == Double {
    /// The ratio of a circle's circumference to its diameter.
    @_disfavoredOverload public static var pi: Double { Double.pi }
    /// Above every number.
    @_disfavoredOverload public static var infinity: Double { Double.infinity }
    /// No number.
    @_disfavoredOverload public static var nan: Double { Double.nan }
}

extension Scalar {
    /// The number in a dtype, rounded to the nearest in a real one; nil where an integer dtype or `bool` does not hold it.
    init?(_ number: ExactNumber, fitting dtype: DType) {
        switch number {
        case .real(let value):
            guard dtype.holds(value) else { return nil }
            self.init(value, dtype)
        case .whole(let value):
            switch dtype {
            case .float32: self.init(bits: UInt64(Float(value).bitPattern), dtype: dtype)
            case .int64: self.init(bits: UInt64(bitPattern: value), dtype: dtype)
            case .int32, .uint32, .uint8, .bool:
                guard dtype.holds(Double(value)) else { return nil }
                self.init(Double(value), dtype)
            }
        }
    }
}

extension DType {
    /// Whether `number` is above all that it has; no number of 64 bits is above `int64`.
    func isBelow(_ number: ExactNumber) -> Bool {
        if case .whole = number, self == .int64 { return false }
        return isBelow(number.double)
    }

    /// Whether `number` is below all that it has.
    func isAbove(_ number: ExactNumber) -> Bool {
        if case .whole = number, self == .int64 { return false }
        return isAbove(number.double)
    }
}

extension Tensor {
    /// `number` as a rank-0 operand beside this tensor, whose dtype must hold it.
    func operand<Number: TensorNumber>(_ number: Number, _ operation: @autoclosure () -> String) -> Tensor {
        guard let scalar = Scalar(number.exactly, fitting: dtype) else {
            programError(operation(), "\(number.exactly.text) is no number of \(dtype); cast the tensor with `as(_:)` first")
        }
        return Tensor(node: .constant(scalar, device: node.device))
    }
}
