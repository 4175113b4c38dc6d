#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import SomaBackend
import SomaGraph

extension CheckCase {
    static var maps: [CheckCase] { [functions(64), integers, extremes(48), functions(37), broadcast(8, 12), broadcast(5, 7), random] }

    // MARK: Functions

    private static let unaries: [(function: UnaryFunction, value: @Sendable (Double) -> Double)] = [
        (.exp, { exp($0) }), (.log, { log($0) }), (.sqrt, { sqrt($0) }), (.rsqrt, { 1 / sqrt($0) }), (.reciprocal, { 1 / $0 }), (.sin, { sin($0) }),
        (.cos, { cos($0) }), (.tanh, { tanh($0) }), (.sigmoid, { 1 / (1 + exp(-$0)) }), (.erf, { erf($0) }), (.floor, { floor($0) }),
        (.round, { $0.rounded(.toNearestOrEven) }),
    ]

    /// Every function of a positive number in one kernel, and a chain of them.
    private static func functions(_ count: Int) -> CheckCase {
        let x = CheckArray((0..<count).map { Double(Float($0 + 1) / 16) })
        var body = Body(loads: [operand(0, [count])], scalars: [0], instructions: [Instruction(.load(operand: 0), .float32), Instruction(.scalar(index: 0), .float32)])
        body.instructions += unaries.map { Instruction(.unary($0.function, 0), .float32) }
        // x·½ + eˣ, and the greater of that and log x.
        body.instructions += [Instruction(.multiplyAdd(0, 1, 2), .float32), Instruction(.binary(.maximum, 2 + unaries.count, 3), .float32)]
        let outputs = Array(2..<2 + unaries.count) + [3 + unaries.count]
        body.stores = outputs.enumerated().map { Store(value: $1, target: operand($0 + 1, [count])) }
        let values = unaries.map { function in x.values.map(function.value) } + [x.values.map { max($0 * 0.5 + exp($0), log($0)) }]
        return CheckCase(
            name: "functions of \(count) numbers", step: .map(LoopNest(outer: [count], body: body)),
            memory: [x] + values.map { CheckArray.blank($0.count) }, scalars: [Scalar(0.5, .float32).bits],
            expected: Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0 + 1, CheckArray($1)) }), tolerance: 1e-5)
    }

    // MARK: Integers

    private static let binaries: [(function: BinaryFunction, value: @Sendable (Int, Int) -> Int)] = [
        (.add, { $0 + $1 }), (.subtract, { $0 - $1 }), (.multiply, { $0 * $1 }), (.divide, { $1 == 0 ? 0 : $0 / $1 }),
        (.remainder, { $1 == 0 ? 0 : $0 % $1 }), (.maximum, { max($0, $1) }), (.and, { $0 & $1 }), (.xor, { $0 ^ $1 }), (.shiftLeft, { $0 << ($1 & 31) }),
        (.shiftRight, { $0 >> ($1 & 31) }),
    ]

    /// Arithmetic of 32 bits, a comparison, a choice and casts.
    private static var integers: CheckCase {
        let count = 45
        let (a, b) = ((0..<count).map { $0 * 37 % 101 - 50 }, (0..<count).map { $0 % 9 - 2 })
        var body = Body(
            loads: [operand(0, [count], .int32), operand(1, [count], .int32)],
            instructions: [Instruction(.load(operand: 0), .int32), Instruction(.load(operand: 1), .int32)])
        body.instructions += binaries.map { Instruction(.binary($0.function, 0, 1), .int32) }
        let last = body.instructions.count
        body.instructions += [
            Instruction(.binary(.less, 0, 1), .bool), Instruction(.select(last, 0, 1), .int32), Instruction(.cast(last + 1), .float32),
        ]
        let outputs = Array(2..<last)
        body.stores = outputs.enumerated().map { Store(value: $1, target: operand($0 + 2, [count], .int32)) }
        body.stores += [Store(value: last, target: operand(last, [count], .bool)), Store(value: last + 2, target: operand(last + 1, [count]))]
        func wrapped(_ value: Int) -> Double { Double(Int32(truncatingIfNeeded: value)) }
        var expected = Dictionary(uniqueKeysWithValues: binaries.enumerated().map { number, binary in
            (number + 2, CheckArray(zip(a, b).map { wrapped(binary.value($0, $1)) }, .int32))
        })
        expected[last] = CheckArray(zip(a, b).map { $0 < $1 ? 1 : 0 }, .bool)
        expected[last + 1] = CheckArray(zip(a, b).map { Double(min($0, $1)) })
        let inputs = [a, b].map { CheckArray($0.map(Double.init), .int32) }
        let outputMemory = binaries.map { _ in CheckArray.blank(count, .int32) } + [.blank(count, .bool), .blank(count)]
        return CheckCase(
            name: "integers", step: .map(LoopNest(outer: [count], body: body)), memory: inputs + outputMemory, expected: expected)
    }

    // MARK: Extremes

    private static let extremeNumbers = [
        .nan, .infinity, -.infinity, 3e9, -3e9, 1e19, -1e19, 2.75, -2.75, 300, -0.0, 2_147_483_648, -2_147_483_648,
    ].map { Double(Float($0)) }

    /// Casts of NaN, infinities and numbers beyond the ends of an integer, and the greater and the lesser of two such.
    private static func extremes(_ count: Int) -> CheckCase {
        let numbers = extremeNumbers
        let (x, y) = (CheckArray((0..<count).map { numbers[$0 % numbers.count] }), CheckArray((0..<count).map { numbers[($0 * 5 + 1) % numbers.count] }))
        let casts: [(dtype: DType, bounds: ClosedRange<Double>)] = [
            (.int32, -0x1p31...0x1p31 - 1), (.uint32, 0...0x1p32 - 1), (.int64, -0x1p63...0x1p63), (.uint8, 0...255),
        ]
        var results = casts.map { cast in
            CheckArray(x.values.map { $0.isNaN ? 0 : min(max($0.rounded(.towardZero), cast.bounds.lowerBound), cast.bounds.upperBound) }, cast.dtype)
        }
        results.append(CheckArray(x.values.map { $0 != 0 ? 1 : 0 }, .bool))
        func chosen(_ choose: (Double, Double) -> Double) -> CheckArray {
            CheckArray(zip(x.values, y.values).map { $0.isNaN || $1.isNaN ? .nan : choose($0, $1) })
        }
        results += [chosen(max), chosen(min)]
        var body = Body(
            loads: [operand(0, [count]), operand(1, [count])],
            instructions: [Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32)])
        body.instructions += results.dropLast(2).map { Instruction(.cast(0), $0.dtype) }
        body.instructions += [Instruction(.binary(.maximum, 0, 1), .float32), Instruction(.binary(.minimum, 0, 1), .float32)]
        body.stores = results.enumerated().map { Store(value: $0 + 2, target: operand($0 + 2, [count], $1.dtype)) }
        return CheckCase(
            name: "casts and maxima of NaN and infinities", step: .map(LoopNest(outer: [count], body: body)),
            memory: [x, y] + results.map { .blank(count, $0.dtype) },
            expected: Dictionary(uniqueKeysWithValues: results.enumerated().map { ($0 + 2, $1) }))
    }

    // MARK: Places

    /// y[i, j] = x[j, i] + b[j]: strides of every kind.
    private static func broadcast(_ rows: Int, _ columns: Int) -> CheckCase {
        let (x, b) = (CheckArray.halves(rows * columns, 7), CheckArray.halves(columns, 3))
        let body = Body(
            loads: [
                Operand(slot: 0, dtype: .float32, access: Access(strides: [1, rows])), Operand(slot: 1, dtype: .float32, access: Access(strides: [0, 1])),
            ],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32), Instruction(.binary(.add, 0, 1), .float32),
            ],
            stores: [Store(value: 2, target: operand(2, [rows, columns]))])
        let y = (0..<rows * columns).map { x.values[$0 % columns * rows + $0 / columns] + b.values[$0 % columns] }
        return CheckCase(
            name: "a transpose of \(rows)×\(columns) and a broadcast", step: .map(LoopNest(outer: [rows, columns], body: body)),
            memory: [x, b, .blank(y.count)], expected: [2: CheckArray(y)])
    }

    private static var random: CheckCase {
        let (count, seed, counter) = (50, UInt64(0x0123_4567_89AB_CDEF), UInt32(9))
        let scalars = [Scalar(bits: seed & 0xFFFF_FFFF, dtype: .uint32), Scalar(bits: seed >> 32, dtype: .uint32), Scalar(bits: UInt64(counter), dtype: .uint32)]
        let body = Body(
            scalars: [0, 1, 2],
            instructions: (0..<3).map { Instruction(.scalar(index: $0), .uint32) } + [
                Instruction(.index(Access(strides: [1])), .int32), Instruction(.random(key0: 0, key1: 1, counter: 2, index: 3), .uint32),
            ],
            stores: [Store(value: 4, target: operand(0, [count], .uint32))])
        let words = (0..<count).map { place in
            let block = Philox.block(
                counter: SIMD4(UInt32(place / 4), 0, counter, 0), key: SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
            return Double(block[place % 4])
        }
        return CheckCase(
            name: "random words", step: .map(LoopNest(outer: [count], body: body)), memory: [.blank(count, .uint32)], scalars: scalars.map(\.bits),
            expected: [0: CheckArray(words, .uint32)])
    }
}
