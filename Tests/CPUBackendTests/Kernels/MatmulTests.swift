import CPUKernels
import Testing

/// A small generator, so that a failure can be repeated.
struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in Float.random(in: -1...1, using: &self) } }
}

/// Runs `body` at every level of the processor, then goes back to the best.
func atEveryLevel(_ body: (String) -> Void) {
    for level in 0..<soma_level_count() {
        soma_level_use(level)
        body(String(cString: soma_level_name(level)))
    }
    soma_level_use(0)
}

struct Product {
    var m: Int, n: Int, k: Int
    var transposesA = false, transposesB = false, transposesC = false, accumulates = false
    var batch = 1
    /// Unused elements between rows.
    var gap = 0

    var a: (row: Int, depth: Int, count: Int) { layout(m, k, transposesA) }
    var b: (row: Int, depth: Int, count: Int) { layout(k, n, transposesB) }
    var c: (row: Int, depth: Int, count: Int) { layout(m, n, transposesC) }

    private func layout(_ rows: Int, _ columns: Int, _ transposed: Bool) -> (Int, Int, Int) {
        transposed ? (1, rows + gap, columns * (rows + gap)) : (columns + gap, 1, rows * (columns + gap))
    }

    var descriptor: soma_matmul {
        soma_matmul(
            rows: m, columns: n, depth: k, batch: batch, a_row: a.row, a_depth: a.depth, a_batch: a.count,
            b_depth: b.row, b_column: b.depth, b_batch: b.count, c_row: c.row, c_column: c.depth, c_batch: c.count,
            accumulate: accumulates)
    }

    /// The largest difference to the product in double precision, in units of ε times the sum of the terms' magnitudes (rounding at
    /// random gives about 1, a lost term far more); infinite if an element between the rows was touched.
    func error(seed: UInt64 = 1) -> Double {
        var random = Random(state: seed)
        let x = random.floats(a.count * batch), y = random.floats(b.count * batch), before = random.floats(c.count * batch)
        var z = before
        var descriptor = descriptor
        #expect(soma_matmul_run(&descriptor, x, y, &z))
        var isProduct = [Bool](repeating: false, count: z.count)
        var worst = 0.0
        let stride = max(1, m * n * k / 20_000)
        for i in 0..<batch {
            for row in 0..<m {
                for column in 0..<n {
                    let place = i * c.count + row * c.row + column * c.depth
                    isProduct[place] = true
                    // The last row and column, where tiles are ragged, and a sample of the rest.
                    guard row == m - 1 || column == n - 1 || (row * n + column) % stride == 0 else { continue }
                    var exact = accumulates ? Double(before[place]) : 0
                    var magnitude = abs(exact)
                    for step in 0..<k {
                        let term = Double(x[i * a.count + row * a.row + step * a.depth]) * Double(y[i * b.count + step * b.row + column * b.depth])
                        exact += term
                        magnitude += abs(term)
                    }
                    let difference = abs(Double(z[place]) - exact)
                    worst = max(worst, difference == 0 ? 0 : difference / (magnitude * Double(Float.ulpOfOne)))
                }
            }
        }
        for i in z.indices where !isProduct[i] && z[i] != before[i] { return .infinity }
        return worst
    }
}

extension CPUBackendTests.KernelTests {
    @Test func productsOfEveryOddSizeAgreeWithDoublePrecision() {
        atEveryLevel { level in
            for (m, n, k) in [(1, 1, 1), (3, 5, 7), (14, 32, 9), (15, 33, 17), (28, 64, 40), (47, 95, 130), (1, 70, 33), (70, 1, 33), (129, 10, 65)] {
                for flags in 0..<16 {
                    let product = Product(
                        m: m, n: n, k: k, transposesA: flags & 1 != 0, transposesB: flags & 2 != 0, transposesC: flags & 4 != 0,
                        accumulates: flags & 8 != 0, gap: flags % 3)
                    let error = product.error()
                    #expect(error < 4, "\(level) \(product): \(error)")
                }
            }
        }
    }

    @Test func batchesAndLongDepthsAgreeWithDoublePrecision() {
        atEveryLevel { level in
            for product in [
                Product(m: 9, n: 20, k: 5, batch: 4), Product(m: 70, n: 65, k: 130, transposesB: true, batch: 9), Product(m: 1, n: 90, k: 70, batch: 5),
                Product(m: 300, n: 200, k: 40, batch: 3), Product(m: 33, n: 40, k: 2500), Product(m: 20, n: 20, k: 1030, transposesA: true, accumulates: true),
                Product(m: 40, n: 1200, k: 30, transposesB: true, gap: 3), Product(m: 300, n: 200, k: 40, gap: 1), Product(m: 4, n: 4, k: 0),
            ] {
                let error = product.error()
                #expect(error < 4, "\(level) \(product): \(error)")
            }
        }
    }

    @Test(arguments: [1, 2, 3, 6])
    func productsDoNotDependOnTiming(size: Int32) {
        let old = soma_team_size()
        soma_team_resize(size)
        defer { soma_team_resize(old) }
        let product = Product(m: 130, n: 210, k: 90)
        #expect(product.error() < 4)
        var random = Random(state: 3)
        let x = random.floats(product.a.count), y = random.floats(product.b.count)
        var first = [Float](repeating: 0, count: product.c.count), second = first
        var descriptor = product.descriptor
        #expect(soma_matmul_run(&descriptor, x, y, &first))
        #expect(soma_matmul_run(&descriptor, x, y, &second))
        #expect(first == second)
    }
}
