import Soma
import SomaBackend
import SomaReference
import Testing

private func values(_ count: Int, _ factor: Int) -> [Float] { (0..<count).map { Float(($0 * factor) % 23 - 11) / 16 } }

/// Products of rows that are looked up in a table: they are products of the table, and the numbers are the same.
@Suite struct LookupTests {
    let backend = InterpretingBackend()
    let device: Device
    private let count = 5, features = 32, units = 40
    /// [3, 8], of the first four rows.
    private let indices: [Int32] = [0, 1, 1, 3, 2, 0, 1, 3, 3, 3, 2, 0, 1, 1, 1, 2, 0, 0, 3, 2, 1, 0, 2, 3]

    init() { device = Device(running: backend) }

    private let table = values(5 * 32, 7)
    private let weight = values(32 * 40, 5)
    private let bias = values(40, 3)
    /// [8, 3, 40]: what the loss makes of each element of the product.
    private let slopes = values(24 * 40, 11)

    private struct Found { var y, table, weight, bias: [Float] }

    /// Of rows in the order of time, [8, 3], as recurrent layers take sequences that come batch first.
    private func computed(_ table: [Float], _ indices: [Int32]) throws -> Found {
        let e = Tensor(table, shape: [count, features], device: device), w = Tensor(weight, shape: [features, units], device: device)
        let b = Tensor(bias, device: device), i = Tensor(indices, shape: [3, 8], device: device)
        let y = matmul(e.gathered(atIndices: i).transposed(0, 1), w) + b
        let slopes = gradient(of: y, withRespectTo: [e, w, b], seed: Tensor(slopes, shape: [8, 3, units], device: device))
        backend.reset()
        try realizeAll([y] + slopes)
        return Found(y: try y.scalars(), table: try slopes[0].scalars(), weight: try slopes[1].scalars(), bias: try slopes[2].scalars())
    }

    private func expect(_ result: [Float], _ expected: [Double], _ what: Comment) {
        #expect(result.count == expected.count && zip(result, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 * (1 + abs($1)) }, what)
    }

    @Test func productsAreOfTheTable() throws {
        let found = try computed(table, indices)
        var (y, ofTable) = ([Double](repeating: 0, count: slopes.count), [Double](repeating: 0, count: table.count))
        var (ofWeight, ofBias) = ([Double](repeating: 0, count: weight.count), [Double](repeating: 0, count: units))
        for n in 0..<3 {
            for t in 0..<8 {
                let (row, index) = (t * 3 + n, Int(indices[n * 8 + t]))
                for j in 0..<units {
                    let g = Double(slopes[row * units + j])
                    y[row * units + j] = Double(bias[j])
                    ofBias[j] += g
                    for k in 0..<features {
                        let (x, w) = (Double(table[index * features + k]), Double(weight[k * units + j]))
                        y[row * units + j] += x * w
                        ofTable[index * features + k] += g * w
                        ofWeight[k * units + j] += g * x
                    }
                }
            }
        }
        expect(found.y, y, "y")
        expect(found.table, ofTable, "gradient of the table")
        expect(found.weight, ofWeight, "gradient of the weight")
        expect(found.bias, ofBias, "gradient of the bias")
        var products = 0
        for case .matmul(let step) in backend.launches {
            products += 1
            #expect(step.m * step.n * step.k == count * features * units)
        }
        #expect(products == 3)
    }

    /// 0 · ∞ is no 0: a row that nobody takes must not reach the gradient of the weight.
    @Test func aRowThatIsNotTakenMayBeInfinite() throws {
        var infinite = table
        for k in 0..<features { infinite[4 * features + k] = .infinity }
        let (plain, found) = (try computed(table, indices), try computed(infinite, indices))
        #expect(plain.y == found.y && plain.weight == found.weight && plain.bias == found.bias)
        #expect(Array(plain.table[..<(4 * features)]) == Array(found.table[..<(4 * features)]))
    }

    @Test func anIndexOutOfRangeGivesNaN() throws {
        var wrong = indices
        wrong[1] = 5
        let (plain, found) = (try computed(table, indices), try computed(table, wrong))
        for row in 0..<24 {
            let own = row * units..<(row + 1) * units
            if row == 3 { #expect(found.y[own].allSatisfy { $0.isNaN }) } else { #expect(found.y[own] == plain.y[own]) }
        }
    }

    /// Where the table has more rows than are taken, its product would be more work.
    @Test func fewRowsAreMultipliedThemselves() throws {
        let e = Tensor(values(50 * features, 7), shape: [50, features], device: device)
        let w = Tensor(weight, shape: [features, units], device: device)
        let y = matmul(e.gathered(atIndices: Tensor(indices, device: device)), w)
        backend.reset()
        try realizeAll([y])
        for case .matmul(let step) in backend.launches { #expect(step.m == indices.count) }
    }
}
