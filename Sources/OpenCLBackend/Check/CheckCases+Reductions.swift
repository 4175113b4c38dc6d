#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import SomaBackend
import SomaGraph

extension CheckCase {
    static var reductions: [CheckCase] {
        [
            reduction(rows: 3, columns: 100, isAcross: false), reduction(rows: 40, columns: 33, isAcross: true),
            reduction(rows: 3, columns: 100, isAcross: false, hasExtremes: true), reduction(rows: 40, columns: 33, isAcross: true, hasExtremes: true),
            reduction(rows: 70, columns: 7, isAcross: false), reduction(rows: 9, columns: 500, isAcross: true), longSum(70_001),
        ]
    }

    static var rows: [CheckCase] {
        [
            softmax(3, 7), softmaxGradient(2, 300), softmax(3, 7, isMasked: true), softmax(2, 300), softmaxGradient(3, 7), normalization(4, 33),
            normalization(2, 600),
        ]
    }

    // MARK: Reductions

    /// Makes of every fourth row one of −∞ alone, puts ∞, then −∞ into those after it, and a NaN into the fourth.
    private static func setExtremes(in values: inout [Double], rows: Int, columns: Int, _ place: (Int, Int) -> Int) {
        for i in 0..<rows {
            if i % 4 == 0 { for j in 0..<columns { values[place(i, j)] = -.infinity } }
            values[place(i, columns / 2)] = [-.infinity, .infinity, -.infinity, .nan][i % 4]
        }
    }

    /// Sum, greatest element and where it stands, along the contiguous axis or across it.
    private static func reduction(rows: Int, columns: Int, isAcross: Bool, hasExtremes: Bool = false) -> CheckCase {
        let place = { (i: Int, j: Int) in isAcross ? j * rows + i : i * columns + j }
        var x = CheckArray.halves(rows * columns, 7)
        if hasExtremes { setExtremes(in: &x.values, rows: rows, columns: columns, place) }
        let row = { (i: Int) in (0..<columns).map { x.values[place(i, $0)] } }
        let target = { (slot: Int, dtype: DType) in Operand(slot: slot, dtype: dtype, access: Access(strides: [1, 0])) }
        let body = Body(
            loads: [Operand(slot: 0, dtype: .float32, access: Access(strides: isAcross ? [1, rows] : [columns, 1]))],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32), Instruction(.reduce(.max, 0), .float32),
                Instruction(.reduce(.argmax, 0), .int32), Instruction(.unary(.negate, 1), .float32),
            ],
            stores: [
                Store(value: 4, target: target(1, .float32)), Store(value: 2, target: target(2, .float32)), Store(value: 3, target: target(3, .int32)),
            ])
        let sums = (0..<rows).map { -row($0).reduce(0, +) }
        // The first NaN, if any, is the greatest.
        let places = (0..<rows).map { i in row(i).firstIndex(where: \.isNaN) ?? row(i).firstIndex(of: row(i).max() ?? 0) ?? 0 }
        let greatest = (0..<rows).map { row($0)[places[$0]] }
        let name = "sums and maxima of \(rows)×\(columns)\(isAcross ? ", across" : "")\(hasExtremes ? ", with infinities" : "")"
        return CheckCase(
            name: name, step: .reduce(LoopNest(outer: [rows], inner: [columns], body: body)),
            memory: [x, .blank(rows), .blank(rows), .blank(rows, .int32)],
            expected: [1: CheckArray(sums), 2: CheckArray(greatest), 3: CheckArray(places.map(Double.init), .int32)])
    }

    /// A sum that several work-groups share.
    private static func longSum(_ count: Int) -> CheckCase {
        let x = CheckArray.halves(count, 3)
        let body = Body(
            loads: [Operand(slot: 0, dtype: .float32, access: Access(strides: [0, 1]))],
            instructions: [Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32)],
            stores: [Store(value: 1, target: Operand(slot: 1, dtype: .float32, access: Access(strides: [1, 0])))])
        return CheckCase(
            name: "a sum of \(count) numbers", step: .reduce(LoopNest(outer: [1], inner: [count], body: body)), memory: [x, .blank(1)],
            expected: [1: CheckArray([x.values.reduce(0, +)])])
    }

    // MARK: Rows

    private static func probabilities(_ x: [Double]) -> [Double] {
        let greatest = x.max() ?? 0
        let parts = x.map { exp($0 - greatest) }, sum = parts.reduce(0, +)
        return parts.map { $0 / sum }
    }

    private static func perRow(_ rows: Int, _ columns: Int, _ x: CheckArray, _ compute: ([Double]) -> [Double]) -> CheckArray {
        CheckArray((0..<rows).flatMap { compute(Array(x.values[$0 * columns..<($0 + 1) * columns])) })
    }

    /// - Parameter isMasked: whether every third element is −∞, of which there remains nothing.
    private static func softmax(_ rows: Int, _ columns: Int, isMasked: Bool = false) -> CheckCase {
        var x = CheckArray.halves(rows * columns, 7)
        if isMasked { for place in x.values.indices where place % 3 == 0 { x.values[place] = -.infinity } }
        let body = Body(
            loads: [operand(0, [rows, columns])],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.reduce(.max, 0), .float32), Instruction(.binary(.subtract, 0, 1), .float32),
                Instruction(.unary(.exp, 2), .float32), Instruction(.reduce(.sum, 3), .float32), Instruction(.binary(.divide, 3, 4), .float32),
            ],
            stores: [Store(value: 5, target: operand(1, [rows, columns]))])
        return CheckCase(
            name: "softmax of \(rows)×\(columns)\(isMasked ? ", masked" : "")", step: .row(LoopNest(outer: [rows], inner: [columns], body: body)),
            memory: [x, .blank(rows * columns)], expected: [1: perRow(rows, columns, x, probabilities)], tolerance: 1e-5)
    }

    /// dx = y · (g − Σ y·g)
    private static func softmaxGradient(_ rows: Int, _ columns: Int) -> CheckCase {
        let y = perRow(rows, columns, .halves(rows * columns, 7), probabilities), g = CheckArray.halves(rows * columns, 3)
        let body = Body(
            loads: [operand(0, [rows, columns]), operand(1, [rows, columns])],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32), Instruction(.binary(.multiply, 0, 1), .float32),
                Instruction(.reduce(.sum, 2), .float32), Instruction(.binary(.subtract, 1, 3), .float32), Instruction(.binary(.multiply, 0, 4), .float32),
            ],
            stores: [Store(value: 5, target: operand(2, [rows, columns]))])
        let dx = (0..<rows).flatMap { row -> [Double] in
            let places = row * columns..<(row + 1) * columns
            let sum = places.reduce(0) { $0 + y.values[$1] * g.values[$1] }
            return places.map { y.values[$0] * (g.values[$0] - sum) }
        }
        return CheckCase(
            name: "gradient of softmax of \(rows)×\(columns)", step: .row(LoopNest(outer: [rows], inner: [columns], body: body)),
            memory: [y, g, .blank(rows * columns)], expected: [2: CheckArray(dx)], tolerance: 1e-5)
    }

    /// y = (x − x̄) / √(σ² + 1)
    private static func normalization(_ rows: Int, _ columns: Int) -> CheckCase {
        let x = CheckArray.halves(rows * columns, 5)
        let body = Body(
            loads: [operand(0, [rows, columns])], scalars: [0, 1],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.scalar(index: 0), .float32), Instruction(.scalar(index: 1), .float32),
                Instruction(.reduce(.sum, 0), .float32), Instruction(.binary(.multiply, 3, 1), .float32), Instruction(.binary(.subtract, 0, 4), .float32),
                Instruction(.binary(.multiply, 5, 5), .float32), Instruction(.reduce(.sum, 6), .float32), Instruction(.multiplyAdd(7, 1, 2), .float32),
                Instruction(.unary(.rsqrt, 8), .float32), Instruction(.binary(.multiply, 5, 9), .float32),
            ],
            stores: [Store(value: 10, target: operand(1, [rows, columns]))])
        let y = perRow(rows, columns, x) { row in
            let mean = row.reduce(0, +) / Double(columns), variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return row.map { ($0 - mean) / sqrt(variance + 1) }
        }
        return CheckCase(
            name: "normalisation of \(rows)×\(columns)", step: .row(LoopNest(outer: [rows], inner: [columns], body: body)),
            memory: [x, .blank(rows * columns)], scalars: [Scalar(1 / Double(columns), .float32).bits, Scalar(1, .float32).bits], expected: [1: y],
            tolerance: 1e-5)
    }
}
