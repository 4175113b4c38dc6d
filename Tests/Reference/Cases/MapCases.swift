import Soma
import SomaGraph

extension OperationCase {
    /// Functions of one number: where they are smooth, on special numbers, on views, on nothing.
    private static let functions: [(name: String, domain: ClosedRange<Double>, apply: @Sendable (Tensor) -> Tensor)] = [
        ("negate", -2...2, { -$0 }), ("abs", 0.1...2, { abs($0) }), ("abs of negatives", -2 ... -0.1, { abs($0) }),
        ("sign", 0.1...2, { sign($0) }), ("exp", -2...2, { exp($0) }), ("expm1", -1...1, { expm1($0) }),
        ("log", 0.2...4, { log($0) }), ("log2", 0.2...4, { log2($0) }), ("log10", 0.2...4, { log10($0) }),
        ("log1p", -0.5...3, { log1p($0) }), ("sqrt", 0.2...4, { sqrt($0) }),
        ("rsqrt", 0.3...4, { rsqrt($0) }), ("reciprocal", 0.4...3, { reciprocal($0) }),
        ("square", -2...2, { square($0) }),
        ("sin", -7...7, { sin($0) }), ("cos", -7...7, { cos($0) }), ("tanh", -3...3, { tanh($0) }),
        ("sigmoid", -5...5, { sigmoid($0) }), ("erf", -2...2, { erf($0) }), ("floor", 0.1...0.9, { floor($0) }),
        ("ceil", 0.1...0.9, { ceil($0) }), ("round", 0.1...0.4, { round($0) }),
        ("clamp", -2...2, { $0.clamped(to: -0.7...0.9) }), ("rectifier", -2...2, { maximum($0, 0) }),
        ("ceiling", -2...2, { minimum($0, 0.5) }),
        ("gelu", -3...3, { x in x * (1 + erf(x * 0.7071067811865476)) * 0.5 }),
    ]

    /// Two tensors, or a tensor and a number.
    private static let operators:
        [(name: String, a: ClosedRange<Double>, b: ClosedRange<Double>, apply: @Sendable (Tensor, Tensor) -> Tensor)] =
            [
                ("add", -2...2, -2...2, { $0 + $1 }), ("subtract", -2...2, -2...2, { $0 - $1 }),
                ("multiply", -2...2, -2...2, { $0 * $1 }),
                ("divide", -2...2, 0.5...2, { $0 / $1 }), ("pow", 0.3...2, -2...3, { pow($0, $1) }),
                ("minimum", -2...2, -2...2, { minimum($0, $1) }), ("maximum", -2...2, -2...2, { maximum($0, $1) }),
                ("remainder", 5.1...5.3, 1.1...1.2, { remainder($0, $1) }),
            ]

    static let maps: [OperationCase] =
        functions.flatMap { name, domain, apply in
            [
                OperationCase("\(name)", .sample([3, 5], in: domain)) { apply($0[0]) },
                OperationCase("\(name), one number", .sample([], in: domain)) { apply($0[0]) },
                OperationCase("\(name), transposed", .sample([4, 3], in: domain)) { apply($0[0].transposed()) },
                OperationCase("\(name), every other, backwards", .sample([7, 2], in: domain)) {
                    apply($0[0][.every(-2)])
                },
                OperationCase("\(name), 1031 numbers", .sample([1031], in: domain), differentiable: false) {
                    apply($0[0])
                },
                OperationCase("\(name), nothing", .sample([2, 0, 3], in: domain)) { apply($0[0]) },
            ]
        }
        + functions.filter { !["sin", "cos", "gelu"].contains($0.name) }.map { name, _, apply in
            OperationCase("\(name), special numbers", .special, differentiable: false) { apply($0[0]) }
        }
        + operators.flatMap { name, a, b, apply in
            [
                OperationCase("\(name)", .sample([3, 5], in: a), .sample([3, 5], in: b, seed: 1)) {
                    apply($0[0], $0[1])
                },
                OperationCase("\(name), row", .sample([3, 5], in: a), .sample([5], in: b, seed: 1)) {
                    apply($0[0], $0[1])
                },
                OperationCase(
                    "\(name), column on the left", .sample([4, 1], in: a), .sample([2, 4, 3], in: b, seed: 1)
                ) { apply($0[0], $0[1]) },
                OperationCase("\(name), both stretched", .sample([3, 1], in: a), .sample([1, 4], in: b, seed: 1)) {
                    apply($0[0], $0[1])
                },
                OperationCase("\(name), one number", .sample([2, 3], in: a), .sample([], in: b, seed: 1)) {
                    apply($0[0], $0[1])
                },
                OperationCase("\(name), one number on the left", .sample([], in: a), .sample([7], in: b, seed: 1)) {
                    apply($0[0], $0[1])
                },
                OperationCase("\(name), a constant", .sample([6], in: a)) {
                    apply($0[0], Tensor(1.25, device: $0[0].device))
                },
                OperationCase("\(name), transposed", .sample([3, 4], in: a), .sample([4, 3], in: b, seed: 1)) {
                    apply($0[0].transposed(), $0[1])
                },
                OperationCase("\(name), itself", .sample([3], in: 0.5...2)) { apply($0[0], $0[0] * 1.25) },
                OperationCase(
                    "\(name), 129 by 67", .sample([129, 67], in: a), .sample([67], in: b, seed: 1),
                    differentiable: false
                ) { apply($0[0], $0[1]) },
                OperationCase("\(name), nothing", .sample([0, 3], in: a), .sample([3], in: b)) { apply($0[0], $0[1]) },
                OperationCase(
                    "\(name), special numbers", Value(Value.special.elements, shape: [21, 1]),
                    Value(Value.special.elements, shape: [1, 21]),
                    differentiable: false
                ) { apply($0[0], $0[1]) },
            ]
        } + edges + integers

    private static let edges: [OperationCase] = [
        OperationCase(
            "log2 of powers of two", Value((-126...127).map { Double(sign: .plus, exponent: $0, significand: 1) }), differentiable: false,
            exactly: (-126...127).map { Double($0) }
        ) { log2($0[0]) },
        OperationCase(
            "log10 of powers of ten", Value([1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10]), differentiable: false,
            exactly: (0...10).map { Double($0) }
        ) { log10($0[0]) },
        OperationCase("pow, square", .sample([5])) { pow($0[0], 2) },
        OperationCase("pow of a number", .sample([5])) { pow(2, $0[0]) },
        OperationCase("pow, base 0", Value([0, 0, 0])) { pow($0[0], 3) },
        OperationCase("pow, base 0, exponent 1", Value([0, 0])) { pow($0[0], 1) },
        OperationCase("pow, exponent 0", Value([-1, 0, 2])) { pow($0[0], 0) },
        OperationCase("pow, negative base", Value([-2, -0.5, -1.5])) { pow($0[0], 3) },
        OperationCase("chain", .sample([2, 3]), .sample([3], seed: 1), .sample([], seed: 2)) { x in
            tanh(x[0] * x[1] + x[2]) * sigmoid(x[0]) - exp(-square(x[1]))
        },
        OperationCase("select", Value([1, 0, 1], dtype: .bool), .sample([2, 3]), .sample([2, 1], seed: 1)) {
            .select($0[0], $0[1], $0[2])
        },
        OperationCase("select by one number", Value(scalar: 0, dtype: .bool), .sample([2, 3]), .sample([3], seed: 1)) {
            .select($0[0], $0[1], $0[2])
        },
        OperationCase(
            "select of numbers", Value([1, 0, 0, 1], shape: [2, 2], dtype: .bool), .sample([]), .sample([], seed: 1)
        ) { .select($0[0], $0[1], $0[2]) },
        OperationCase("replacing", .sample([3, 4])) { $0[0].replacing(with: -1, where: $0[0] .> 0.3) },
        OperationCase("compound assignment", .sample([3]), .sample([3], in: 1...2, seed: 1)) { x in
            var y = x[0]
            y += x[1]
            y *= 3
            y -= 0.5
            y /= x[1]
            return y
        },
        OperationCase("numbers on the left", .sample([4], in: 0.5...2)) { (1 - $0[0]) * 2 + 3 / $0[0] + (0.5 + $0[0]) },
        OperationCase("constants folded", .sample([4])) { x in
            let one = Tensor(1, device: x[0].device)
            return x[0] * ((one + 2) * 3 - one / 4)
        },
    ]

    private static let integers: [OperationCase] =
        [DType.int32, .int64, .uint8, .uint32].flatMap { dtype in
            let a = Value.sample([4, 5], in: dtype == .int32 || dtype == .int64 ? -90...90 : 0...200, dtype: dtype)
            let b = Value.sample([5], in: dtype == .int32 || dtype == .int64 ? -4...5 : 0...6, seed: 3, dtype: dtype)
            let signed: [OperationCase] = [
                OperationCase("negate \(dtype)", a) { -$0[0] }, OperationCase("abs \(dtype)", a) { abs($0[0]) },
                OperationCase("sign \(dtype)", a) { sign($0[0]) },
            ]
            return signed + [
                OperationCase("add \(dtype)", a, b) { $0[0] + $0[1] },
                OperationCase("subtract \(dtype)", a, b) { $0[0] - $0[1] },
                OperationCase("multiply \(dtype)", a, b) { $0[0] * $0[1] },
                OperationCase("divide \(dtype)", a, b) { $0[0] / $0[1] },
                OperationCase("divide \(dtype) by 0", a) { $0[0] / 0 },
                OperationCase("remainder \(dtype)", a, b) { remainder($0[0], $0[1]) },
                OperationCase("remainder \(dtype) by 0", a) { remainder($0[0], 0) },
                OperationCase("minimum \(dtype)", a, b) { minimum($0[0], $0[1]) },
                OperationCase("maximum \(dtype)", a, b) { maximum($0[0], $0[1]) },
                OperationCase("and, or \(dtype)", a, b) { ($0[0] .&& $0[1]) + ($0[0] .|| 1 * $0[1]) },
            ]
        } + [
            OperationCase("multiply int32 beyond its range", Value([2_000_000_000, -7], dtype: .int32)) { $0[0] * 3 },
            OperationCase("add uint8 beyond its range", Value([250, 3], dtype: .uint8)) { $0[0] + 10 },
        ]
}
