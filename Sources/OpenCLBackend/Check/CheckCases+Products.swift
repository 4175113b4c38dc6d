import SomaBackend
import SomaGraph

extension CheckCase {
    static var products: [CheckCase] {
        [
            product(1, 33, 66, 20), product(2, 64, 64, 64, isTransposedB: true), product(3, 40, 9, 67), product(1, 132, 68, 32, isTransposedB: true),
            product(1, 36, 40, 600, isTransposedA: true), product(1, 20, 260, 64), product(1, 260, 20, 64),
        ]
    }

    /// max(A·B + b, 0), with operands in either order in memory.
    private static func product(_ batch: Int, _ m: Int, _ n: Int, _ k: Int, isTransposedA: Bool = false, isTransposedB: Bool = false) -> CheckCase {
        // The compiler gives a single product no stride.
        func between(_ count: Int) -> Int { batch > 1 ? count : 0 }
        let a = [between(m * k)] + (isTransposedA ? [1, m] : [k, 1]), b = [between(k * n)] + (isTransposedB ? [1, k] : [n, 1])
        let epilogue = Body(
            loads: [Operand(slot: 3, dtype: .float32, access: Access(strides: [0, 0, 1]))], scalars: [0],
            instructions: [
                Instruction(.accumulator, .float32), Instruction(.load(operand: 0), .float32), Instruction(.binary(.add, 0, 1), .float32),
                Instruction(.scalar(index: 0), .float32), Instruction(.binary(.maximum, 2, 3), .float32),
            ],
            stores: [Store(value: 4, target: Operand(slot: 2, dtype: .float32, access: Access(strides: [between(m * n), n, 1])))])
        let step = MatmulStep(
            batch: batch, m: m, n: n, k: k, a: Operand(slot: 0, dtype: .float32, access: Access(strides: a)),
            b: Operand(slot: 1, dtype: .float32, access: Access(strides: b)), epilogue: epilogue)
        let (x, y, bias) = (CheckArray.halves(batch * m * k, 7), CheckArray.halves(batch * k * n, 3), CheckArray.halves(n, 5))
        var c: [Double] = []
        for z in 0..<batch {
            for i in 0..<m {
                for j in 0..<n {
                    let (from, to) = (z * a[0] + i * a[1], z * b[0] + j * b[2])
                    c.append(max((0..<k).reduce(bias.values[j]) { $0 + x.values[from + $1 * a[2]] * y.values[to + $1 * b[1]] }, 0))
                }
            }
        }
        let order = (isTransposedA ? "t" : "n") + (isTransposedB ? "t" : "n")
        return CheckCase(
            name: "product \(batch)×\(m)×\(n)×\(k) \(order)", step: .matmul(step), memory: [x, y, .blank(c.count), bias],
            scalars: [Scalar(0, .float32).bits], expected: [2: CheckArray(c)])
    }
}
