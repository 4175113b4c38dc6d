import CPUKernels
import Glibc
import Testing

/// How far `got` is from the exact value, in units in the last place of float32; infinite where one is NaN and the other not, or where
/// an infinity or a zero is missed.
private func ulps(_ got: Float, _ exact: Double) -> Double {
    let want = Float(exact)
    if got.isNaN || want.isNaN { return got.isNaN && want.isNaN ? 0 : .infinity }
    if got == want { return 0 }
    if got.isInfinite || exact.isInfinite || (exact == 0) { return .infinity }
    let unit = Double(Float(min(exact.magnitude, Double(Float.greatestFiniteMagnitude))).ulp)
    return abs(Double(got) - exact) / unit
}

/// Arguments of every magnitude and both signs, those where a method changes, and the special ones.
private let arguments: [Float] = {
    var values: [Float] = [0, -0.0, .infinity, -.infinity, .nan, 1, -1, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
                           .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
    for center in [0.5, 0.6, 1, 1.5, 2.5, 3.5, 4, 9.1, 10, 17.4, 18, 20, 87.4, 88.73, 89, 90, 103.98, 105, 1e5, 1e6, 0x1p23, 0x1p24, 0x1p31] as [Float] {
        for sign in [Float(1), -1] { values += [center.nextDown * sign, center * sign, center.nextUp * sign] }
    }
    // Every bit pattern in steps of a prime.
    var pattern: UInt32 = 0
    while pattern < .max - 99_991 {
        values.append(Float(bitPattern: pattern))
        pattern += 99_991
    }
    for i in 0..<20_000 { values.append(Float(i) * 0.002 - 20) }
    return values
}()

/// A function, what it should give, and the most units in the last place that it may be off.
private struct Function: Sendable {
    let name: String
    let loop: soma_unary
    let bound: Double
    let exact: @Sendable (Double) -> Double
}

private let functions: [Function] = [
    Function(name: "exp", loop: SOMA_EXP, bound: 1, exact: { exp($0) }),
    Function(name: "expm1", loop: SOMA_EXPM1, bound: 1.5, exact: { expm1($0) }),
    Function(name: "log", loop: SOMA_LOG, bound: 1, exact: { log($0) }),
    Function(name: "log2", loop: SOMA_LOG2, bound: 0.51, exact: { log2($0) }),
    Function(name: "log10", loop: SOMA_LOG10, bound: 0.51, exact: { log10($0) }),
    Function(name: "log1p", loop: SOMA_LOG1P, bound: 1, exact: { log1p($0) }),
    Function(name: "sqrt", loop: SOMA_SQRT, bound: 0.5001, exact: { $0.squareRoot() }),
    Function(name: "rsqrt", loop: SOMA_RSQRT, bound: 1.5, exact: { 1 / $0.squareRoot() }),
    Function(name: "reciprocal", loop: SOMA_RECIPROCAL, bound: 0.5001, exact: { 1 / $0 }),
    Function(name: "sin", loop: SOMA_SIN, bound: 1.6, exact: { sin($0) }),
    Function(name: "cos", loop: SOMA_COS, bound: 1.6, exact: { cos($0) }),
    Function(name: "tanh", loop: SOMA_TANH, bound: 1.5, exact: { tanh($0) }),
    Function(name: "sigmoid", loop: SOMA_SIGMOID, bound: 2, exact: { 1 / (1 + exp(-$0)) }),
    Function(name: "erf", loop: SOMA_ERF, bound: 1.2, exact: { erf($0) }),
    Function(name: "floor", loop: SOMA_FLOOR, bound: 0, exact: { $0.rounded(.down) }),
    Function(name: "ceil", loop: SOMA_CEIL, bound: 0, exact: { $0.rounded(.up) }),
    Function(name: "round", loop: SOMA_ROUND, bound: 0, exact: { $0.rounded(.toNearestOrEven) }),
    Function(name: "negate", loop: SOMA_NEGATE, bound: 0, exact: { -$0 }),
    Function(name: "abs", loop: SOMA_ABS, bound: 0, exact: { $0.magnitude }),
]

extension CPUBackendTests.KernelTests {
    @Test(arguments: functions.indices) func functionsAreAccurateEverywhere(number: Int) throws {
        let function = functions[number]
        for level in 0..<soma_level_count() {
            soma_level_use(level)
            defer { soma_level_use(0) }
            let loop = try #require(soma_loop_unary(function.loop, SOMA_FLOAT32))
            var results = [Float](repeating: 0, count: arguments.count)
            loop(arguments.count, &results, arguments, nil, nil)
            var (worst, place) = (0.0, 0)
            for i in arguments.indices {
                let error = ulps(results[i], function.exact(Double(arguments[i])))
                if error > worst { (worst, place) = (error, i) }
            }
            let name = String(cString: soma_level_name(level))
            #expect(worst <= function.bound, "\(function.name), \(name): \(worst) ulp at \(arguments[place]), which gives \(results[place])")
        }
    }

    /// Of all powers of the base that a float holds, denormals among them.
    @Test func logarithmsOfPowersAreWhole() throws {
        let powers: [(soma_unary, [Float], [Float])] = [
            (SOMA_LOG2, (-149...127).map { Float(sign: .plus, exponent: $0, significand: 1) }, (-149...127).map { Float($0) }),
            (SOMA_LOG10, [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10], (0...10).map { Float($0) }),
        ]
        for level in 0..<soma_level_count() {
            soma_level_use(level)
            defer { soma_level_use(0) }
            for (function, arguments, wanted) in powers {
                var results = [Float](repeating: 0, count: arguments.count)
                let loop = try #require(soma_loop_unary(function, SOMA_FLOAT32))
                loop(arguments.count, &results, arguments, nil, nil)
                #expect(results == wanted, "level \(level)")
            }
        }
    }

    @Test func zeroKeepsItsSign() throws {
        for function in [SOMA_NEGATE, SOMA_SIGN, SOMA_EXPM1, SOMA_LOG1P, SOMA_SQRT, SOMA_SIN, SOMA_TANH, SOMA_ERF, SOMA_FLOOR, SOMA_ROUND] {
            let loop = try #require(soma_loop_unary(function, SOMA_FLOAT32))
            var result: [Float] = [1]
            loop(1, &result, [Float(-0.0)], nil, nil)
            #expect(result[0] == 0 && result[0].sign == (function == SOMA_NEGATE ? .plus : .minus), "function \(function.rawValue)")
        }
    }

    @Test func powersAndRemaindersAreThoseOfTheLibrary() throws {
        let some: [Float] = [0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, 10, -7, 1e-3, 1e10, 0x1p-140, 3e38, .infinity, -.infinity, .nan, 0.999, 127, -126.5]
        var random = Random(state: 5)
        var pairs = some.flatMap { x in some.map { (x, $0) } }
        for _ in 0..<20_000 { pairs.append((Float.random(in: -20...20, using: &random), Float.random(in: -20...20, using: &random))) }
        for _ in 0..<20_000 { pairs.append((Float.random(in: 0...5, using: &random), Float(Int.random(in: -40...40, using: &random)))) }
        let x = pairs.map(\.0), y = pairs.map(\.1)
        for level in 0..<soma_level_count() {
            soma_level_use(level)
            defer { soma_level_use(0) }
            var results = [Float](repeating: 0, count: x.count)
            let power = try #require(soma_loop_binary(SOMA_POWER, SOMA_FLOAT32, SOMA_ALL_VECTORS))
            power(x.count, &results, x, y, nil)
            let wrongPowers = x.indices.filter { ulps(results[$0], pow(Double(x[$0]), Double(y[$0]))) > 0.51 }
            #expect(wrongPowers.isEmpty, "\(level): \(wrongPowers.prefix(5).map { (x[$0], y[$0], results[$0]) })")
            let remainder = try #require(soma_loop_binary(SOMA_REMAINDER, SOMA_FLOAT32, SOMA_ALL_VECTORS))
            remainder(x.count, &results, x, y, nil)
            let wrongRests = x.indices.filter { ulps(results[$0], fmod(Double(x[$0]), Double(y[$0]))) > 0 }
            #expect(wrongRests.isEmpty, "\(level): \(wrongRests.prefix(5).map { (x[$0], y[$0], results[$0]) })")
        }
    }

    @Test func shortLoopsTouchNothingPastTheirEnd() throws {
        atEveryLevel { level in
            for count in 0..<40 {
                let x = (0..<count).map { Float($0) - 7.5 }, y = (0..<count).map { Float($0 % 3) - 1 }
                var results = [Float](repeating: 99, count: count + 20)
                soma_loop_binary(SOMA_MULTIPLY, SOMA_FLOAT32, SOMA_ALL_VECTORS)?(count, &results, x, y, nil)
                #expect(results == zip(x, y).map { $0 * $1 } + [Float](repeating: 99, count: 20), "\(level)")
                var conditions = [UInt8](repeating: 99, count: count + 20)
                soma_loop_binary(SOMA_LESS, SOMA_FLOAT32, SOMA_B_SINGLE)?(count, &conditions, x, [Float(0)], nil)
                #expect(conditions == x.map { $0 < 0 ? 1 : 0 } + [UInt8](repeating: 99, count: 20), "\(level)")
            }
        }
    }

    @Test func singleArgumentsStandForVectors() {
        atEveryLevel { level in
            let x = (0..<37).map { Float($0) - 18 }, many = [Float](repeating: 3, count: 37)
            for function in [SOMA_ADD, SOMA_SUBTRACT, SOMA_MULTIPLY, SOMA_DIVIDE, SOMA_POWER, SOMA_MINIMUM, SOMA_MAXIMUM, SOMA_REMAINDER] {
                var (a, b, c, d) = (x, x, x, x)
                soma_loop_binary(function, SOMA_FLOAT32, SOMA_B_SINGLE)?(37, &a, x, [3] as [Float], nil)
                soma_loop_binary(function, SOMA_FLOAT32, SOMA_ALL_VECTORS)?(37, &b, x, many, nil)
                soma_loop_binary(function, SOMA_FLOAT32, SOMA_A_SINGLE)?(37, &c, [3] as [Float], x, nil)
                soma_loop_binary(function, SOMA_FLOAT32, SOMA_ALL_VECTORS)?(37, &d, many, x, nil)
                #expect(a.map(\.bitPattern) == b.map(\.bitPattern) && c.map(\.bitPattern) == d.map(\.bitPattern), "\(level)")
            }
        }
    }
}
