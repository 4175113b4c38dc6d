import SomaGraph

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

func apply(_ function: UnaryFunction, _ x: Double, _ dtype: DType) -> Double {
    switch function {
    case .negate: dtype.isFloatingPoint ? -x : dtype.stored(wrapping: 0 &- Int64(x))
    case .abs: dtype.isFloatingPoint ? Swift.abs(x) : dtype.stored(wrapping: x < 0 ? 0 &- Int64(x) : Int64(x))
    case .sign: x.isNaN ? .nan : x > 0 ? 1 : x < 0 ? -1 : 0
    case .exp: exp(x)
    case .expm1: expm1(x)
    case .log: log(x)
    case .log1p: log1p(x)
    case .log2: log2(x)
    case .log10: log10(x)
    case .sqrt: x.squareRoot()
    case .rsqrt: 1 / x.squareRoot()
    case .reciprocal: 1 / x
    case .sin: sin(x)
    case .cos: cos(x)
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .erf: erf(x)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .round: x.rounded(.toNearestOrEven)
    case .not: x == 0 ? 1 : 0
    }
}

func apply(_ function: BinaryFunction, _ a: Double, _ b: Double, _ dtype: DType) -> Double {
    switch function {
    case .equal: return a == b ? 1 : 0
    case .notEqual: return a != b ? 1 : 0
    case .less: return a < b ? 1 : 0
    case .lessOrEqual: return a <= b ? 1 : 0
    case .greater: return a > b ? 1 : 0
    case .greaterOrEqual: return a >= b ? 1 : 0
    case .minimum: return a.isNaN || b.isNaN ? .nan : min(a, b)
    case .maximum: return a.isNaN || b.isNaN ? .nan : max(a, b)
    case .add, .subtract, .multiply, .divide, .power, .remainder, .and, .or, .xor, .shiftLeft, .shiftRight:
        return dtype.isFloatingPoint
            ? real(function, a, b) : dtype.stored(wrapping: whole(function, Int64(a), Int64(b), dtype))
    }
}

private func real(_ function: BinaryFunction, _ a: Double, _ b: Double) -> Double {
    switch function {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .power: pow(a, b)
    case .remainder: fmod(a, b)
    default: fatalError("\(function) of real numbers")
    }
}

private func whole(_ function: BinaryFunction, _ a: Int64, _ b: Int64, _ dtype: DType) -> Int64 {
    let bits = Int64(8 * dtype.byteCount)
    let places = ((b % bits) + bits) % bits
    return switch function {
    case .add: a &+ b
    case .subtract: a &- b
    case .multiply: a &* b
    case .divide: b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
    case .remainder: b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
    case .and: a & b
    case .or: a | b
    case .xor: a ^ b
    case .shiftLeft: a << places
    case .shiftRight: a >> places
    default: fatalError("\(function) of whole numbers")
    }
}

func cast(_ x: Double, from source: DType, to target: DType) -> Double {
    if target == .bool { return x != 0 ? 1 : 0 }
    if source.isFloatingPoint && target.isInteger { return saturated(x, target) }
    if target.isFloatingPoint { return source.isFloatingPoint ? x : Double(Float(x)) }
    return target.stored(wrapping: Int64(x))
}

/// Truncated towards zero and held within the dtype's bounds.
private func saturated(_ x: Double, _ dtype: DType) -> Double {
    if x.isNaN { return 0 }
    return Swift.min(Swift.max(x.rounded(.towardZero), dtype.bounds.lowerBound), dtype.bounds.upperBound)
}

/// Philox-4x32-10 written out from the paper's definition, apart from the engine's own.
func randomWords(_ shape: Shape, _ inputs: [Value]) -> Value {
    let (key0, key1, counter) = (
        UInt32(inputs[0].elements[0]), UInt32(inputs[1].elements[0]), UInt32(inputs[2].elements[0])
    )
    let words = (0..<shape.count).map { place in
        Double(philox(counter: [UInt32(place / 4), 0, counter, 0], key: [key0, key1])[place % 4])
    }
    return Value(words, shape: shape, dtype: .uint32)
}

func philox(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    var (r, k) = (counter, key)
    for round in 0..<10 {
        if round > 0 { k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85] }
        let first = r[0].multipliedFullWidth(by: 0xD251_1F53)
        let second = r[2].multipliedFullWidth(by: 0xCD9E_8D57)
        r = [second.high ^ r[1] ^ k[0], second.low, first.high ^ r[3] ^ k[1], first.low]
    }
    return r
}
