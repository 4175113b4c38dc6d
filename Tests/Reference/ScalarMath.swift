import Glibc
import SomaGraph

/// One element as the interpreting backend computes it: a Float for float32, a whole number for everything else.
enum Element {
    case real(Float)
    case whole(Int64)

    var float: Float { if case .real(let value) = self { value } else { 0 } }
    var integer: Int64 { if case .whole(let value) = self { value } else { 0 } }
    var isTrue: Bool { if case .real(let value) = self { value != 0 } else { integer != 0 } }

    /// The whole number that remains when `value` is kept in `dtype`.
    static func wrapped(_ value: Int64, _ dtype: DType) -> Element {
        switch dtype {
        case .float32: .real(Float(value))
        case .int32: .whole(Int64(Int32(truncatingIfNeeded: value)))
        case .uint32: .whole(Int64(UInt32(truncatingIfNeeded: value)))
        case .int64: .whole(value)
        case .uint8: .whole(Int64(UInt8(truncatingIfNeeded: value)))
        case .bool: .whole(value != 0 ? 1 : 0)
        }
    }

    func cast(from: DType, to: DType) -> Element {
        if to == .bool { return .whole(isTrue ? 1 : 0) }
        switch self {
        case .real(let value):
            if to == .float32 { return self }
            return Element(Scalar(Double(value), to))
        case .whole(let value): return to == .float32 ? .real(Float(value)) : .wrapped(value, to)
        }
    }

    init(_ scalar: Scalar) {
        switch scalar.dtype {
        case .float32: self = .real(Float(bitPattern: UInt32(truncatingIfNeeded: scalar.bits)))
        case .int64: self = .whole(Int64(bitPattern: scalar.bits))
        default: self = .whole(Int64(scalar.double))
        }
    }
}

func interpret(_ function: UnaryFunction, _ x: Element, _ dtype: DType) -> Element {
    guard case .real(let v) = x else {
        switch function {
        case .negate: return .wrapped(0 &- x.integer, dtype)
        case .abs: return .wrapped(x.integer < 0 ? 0 &- x.integer : x.integer, dtype)
        case .sign: return .wrapped(x.integer.signum(), dtype)
        case .not: return .whole(x.integer == 0 ? 1 : 0)
        default: return x
        }
    }
    let d = Double(v)
    switch function {
    case .negate: return .real(-v)
    case .abs: return .real(Swift.abs(v))
    case .sign: return .real(v.isNaN ? v : v > 0 ? 1 : v < 0 ? -1 : 0)
    case .exp: return .real(Float(exp(d)))
    case .expm1: return .real(Float(expm1(d)))
    case .log: return .real(Float(log(d)))
    case .log1p: return .real(Float(log1p(d)))
    case .log2: return .real(Float(log2(d)))
    case .log10: return .real(Float(log10(d)))
    case .sqrt: return .real(v.squareRoot())
    case .rsqrt: return .real(Float(1 / d.squareRoot()))
    case .reciprocal: return .real(1 / v)
    case .sin: return .real(Float(sin(d)))
    case .cos: return .real(Float(cos(d)))
    case .tanh: return .real(Float(tanh(d)))
    case .sigmoid: return .real(Float(1 / (1 + exp(-d))))
    case .erf: return .real(Float(erf(d)))
    case .floor: return .real(v.rounded(.down))
    case .ceil: return .real(v.rounded(.up))
    case .round: return .real(v.rounded(.toNearestOrEven))
    case .not: return x
    }
}

func interpret(_ function: BinaryFunction, _ a: Element, _ b: Element, _ dtype: DType) -> Element {
    func flag(_ value: Bool) -> Element { .whole(value ? 1 : 0) }
    if case .real(let x) = a, case .real(let y) = b {
        switch function {
        case .add: return .real(x + y)
        case .subtract: return .real(x - y)
        case .multiply: return .real(x * y)
        case .divide: return .real(x / y)
        case .power: return .real(Float(pow(Double(x), Double(y))))
        case .minimum: return .real(x.isNaN || y.isNaN ? .nan : Swift.min(x, y))
        case .maximum: return .real(x.isNaN || y.isNaN ? .nan : Swift.max(x, y))
        case .remainder: return .real(fmodf(x, y))
        case .equal: return flag(x == y)
        case .notEqual: return flag(x != y)
        case .less: return flag(x < y)
        case .lessOrEqual: return flag(x <= y)
        case .greater: return flag(x > y)
        case .greaterOrEqual: return flag(x >= y)
        case .and, .or, .xor, .shiftLeft, .shiftRight: return a
        }
    }
    let (x, y) = (a.integer, b.integer)
    let width = Int64(dtype.byteCount * 8)
    switch function {
    case .add: return .wrapped(x &+ y, dtype)
    case .subtract: return .wrapped(x &- y, dtype)
    case .multiply: return .wrapped(x &* y, dtype)
    case .divide: return .wrapped(y == 0 ? 0 : x.dividedReportingOverflow(by: y).partialValue, dtype)
    case .remainder: return .wrapped(y == 0 ? 0 : x.remainderReportingOverflow(dividingBy: y).partialValue, dtype)
    case .power: return a
    case .minimum: return .whole(Swift.min(x, y))
    case .maximum: return .whole(Swift.max(x, y))
    case .equal: return flag(x == y)
    case .notEqual: return flag(x != y)
    case .less: return flag(x < y)
    case .lessOrEqual: return flag(x <= y)
    case .greater: return flag(x > y)
    case .greaterOrEqual: return flag(x >= y)
    case .and: return .wrapped(x & y, dtype)
    case .or: return .wrapped(x | y, dtype)
    case .xor: return .wrapped(x ^ y, dtype)
    case .shiftLeft: return .wrapped(x << (y & (width - 1)), dtype)
    case .shiftRight: return .wrapped(x >> (y & (width - 1)), dtype)
    }
}

/// Combines the elements of one row.
func interpret(_ operation: ReduceOperation, _ elements: [Element], _ dtype: DType) -> Element {
    if elements.isEmpty, dtype == .float32 {
        switch operation {
        case .sum: return .real(0)
        case .product: return .real(1)
        case .max: return .real(-.infinity)
        case .min: return .real(.infinity)
        case .argmax, .argmin: return .whole(0)
        }
    }
    switch operation {
    case .sum where dtype == .float32: return .real(Float(elements.reduce(0.0) { $0 + Double($1.float) }))
    case .product where dtype == .float32: return .real(Float(elements.reduce(1.0) { $0 * Double($1.float) }))
    case .sum: return elements.reduce(.whole(0)) { interpret(.add, $0, $1, dtype) }
    case .product: return elements.reduce(.whole(1)) { interpret(.multiply, $0, $1, dtype) }
    case .max, .min:
        guard let first = elements.first else { return Element(Scalar(operation == .max ? -.infinity : .infinity, dtype)) }
        return elements.dropFirst().reduce(first) { interpret(operation == .max ? .maximum : .minimum, $0, $1, dtype) }
    case .argmax, .argmin:
        let better: BinaryFunction = operation == .argmax ? .greater : .less
        var best = 0
        for (i, element) in elements.enumerated() {
            if case .real(let value) = elements[best], value.isNaN { break }
            if case .real(let value) = element, value.isNaN { best = i }
            else if interpret(better, element, elements[best], dtype).isTrue { best = i }
        }
        return .whole(Int64(best))
    }
}
