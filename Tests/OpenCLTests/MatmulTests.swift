import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// A product with its operands in either order in memory, and what becomes of it: C + the column's number, rectified.
struct Product {
    var batch = 1
    var m, n, k: Int
    var isTransposedA = false
    var isTransposedB = false
    var isPlain = false

    var step: MatmulStep {
        // The compiler gives a single product no stride.
        func between(_ count: Int) -> Int { batch > 1 ? count : 0 }
        let a = [between(m * k)] + (isTransposedA ? [1, m] : [k, 1])
        let b = [between(k * n)] + (isTransposedB ? [1, k] : [n, 1])
        let target = Operand(slot: 2, dtype: .float32, access: Access(strides: [between(m * n), n, 1]))
        let bias = Operand(slot: 3, dtype: .float32, access: Access(strides: [0, 0, 1]))
        let plain = Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: target)])
        let fused = Body(
            loads: [bias], scalars: [0],
            instructions: [
                Instruction(.accumulator, .float32), Instruction(.load(operand: 0), .float32), Instruction(.binary(.add, 0, 1), .float32),
                Instruction(.scalar(index: 0), .float32), Instruction(.binary(.maximum, 2, 3), .float32),
            ],
            stores: [Store(value: 4, target: target)])
        return MatmulStep(
            batch: batch, m: m, n: n, k: k, a: Operand(slot: 0, dtype: .float32, access: Access(strides: a)),
            b: Operand(slot: 1, dtype: .float32, access: Access(strides: b)), epilogue: isPlain ? plain : fused)
    }

    /// Small halves, whose products add up exactly in any order.
    var memory: [[UInt8]] {
        func bytes(_ count: Int, _ factor: Int) -> [UInt8] {
            (0..<count).map { Float(($0 * factor) % 11 - 5) / 2 }.withUnsafeBytes { [UInt8]($0) }
        }
        let output = [UInt8](repeating: 0xA5, count: batch * m * n * 4)
        return [bytes(batch * m * k, 7), bytes(batch * k * n, 3), output, (0..<n).map { Float($0) }.withUnsafeBytes { [UInt8]($0) }]
    }

    func source(on backend: OpenCLBackend) throws -> String { try #require(backend.sourceText(of: try backend.prepare(.matmul(step)))) }

    func output(on backend: OpenCLBackend) throws -> [UInt8] {
        try result(of: .matmul(step), on: backend, memory, scalars: [Scalar(0, .float32).bits])[2]
    }

    func firstDifference(on backend: OpenCLBackend) throws -> String? {
        let (memory, output) = (memory, try output(on: backend))
        let floats = { (bytes: [UInt8]) in bytes.withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) } }
        let (a, b, c) = (floats(memory[0]), floats(memory[1]), floats(output))
        let (x, y) = (step.a.access.strides, step.b.access.strides)
        let sums = sumsOfProducts([batch, m, n, k], a, x, b, y)
        for z in 0..<batch {
            for i in 0..<m {
                for j in 0..<n {
                    let place = (z * m + i) * n + j
                    let wanted = isPlain ? sums[place] : max(sums[place] + Float(j), 0)
                    let got = c[place]
                    if got != wanted { return "\(self) at [\(z), \(i), \(j)]: \(got) instead of \(wanted)" }
                }
            }
        }
        return nil
    }
}

extension BackendTests {
    private static let products: [Product] = [
        Product(m: 128, n: 128, k: 16), Product(m: 130, n: 260, k: 40), Product(m: 129, n: 131, k: 67), Product(batch: 3, m: 33, n: 66, k: 20),
        Product(m: 2, n: 2, k: 3000), Product(m: 5, n: 200, k: 64), Product(m: 200, n: 5, k: 64), Product(m: 17, n: 9, k: 0),
    ]

    private static func inEveryOrder(_ product: Product) -> [Product] {
        [(false, false), (false, true), (true, false), (true, true)].map { a, b in
            var product = product
            (product.isTransposedA, product.isTransposedB) = (a, b)
            return product
        }
    }

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func productsOfEveryShapeAndOrder(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        for product in Self.products.flatMap(Self.inEveryOrder) { #expect(try product.firstDifference(on: backend) == nil) }
    }

    private static let common = ShippedTiles.table["other"].map { [$0.large, $0.small, $0.flat, $0.narrow].compactMap(\.self) } ?? []

    /// The tiles of most devices, on products that do not fit them; those in segments of k read both operands either way.
    @Test(.timeLimit(.minutes(60)), arguments: common, [1, 3])
    func productsByEveryTile(_ tile: MatmulTile, segments: Int) throws {
        var tile = tile
        tile.segments = segments
        let orders = Self.inEveryOrder(Product(batch: 2, m: 131, n: 132, k: 70))
        for product in (segments == 1 ? orders : Array(orders[1...2])) + [Product(m: 260, n: 144, k: 64, isPlain: true)] {
            try check(product, by: tile)
        }
    }

    /// Those of other devices, and some that only a tuning file can choose.
    @Test(.timeLimit(.minutes(60))) func productsByRareTiles() throws {
        let shipped = ShippedTiles.table.filter { $0.key != "cpu" }.values.flatMap { [$0.large, $0.small, $0.flat, $0.narrow].compactMap(\.self) }
        let tiles = try Set(shipped + ["64x64x8/4x8", "128x128x16/8x8"].map { try #require(MatmulTile($0)) }).subtracting(Self.common)
        #expect(tiles.count > 4)
        for tile in tiles { try check(Product(m: 131, n: 132, k: 70, isTransposedA: true), by: tile) }
    }

    private func check(_ product: Product, by tile: MatmulTile) throws {
        var tuning = Tuning()
        tuning[product.step] = .tile(tile)
        let backend = try makeBackend(.gpu) { $0.tuning = tuning }
        #expect(try product.firstDifference(on: backend) == nil)
        // Another has computed it on a device with less local memory, or smaller work-groups.
        guard tile.fits(backend.planner.traits) else { return print("skipped: the tile \(tile) does not fit \(backend.device.name)") }
        let plans = StepPlanner(traits: backend.planner.traits, tuning: tuning).matmul(product.step)
        #expect(plans.count == (tile.segments > 1 ? 2 : 1) && plans[0].source.contains("#define TILE_M \(tile.m)\n"))
    }

    /// A vector times a matrix is a reduction; it must have the same epilogue.
    @Test func productsWithAVector() throws {
        for kind in KernelKind.allCases {
            let backend = try makeBackend(kind)
            for product in [Product(m: 1, n: 70, k: 90), Product(m: 70, n: 1, k: 90), Product(batch: 2, m: 1, n: 1, k: 500)].flatMap(Self.inEveryOrder) {
                #expect(try product.firstDifference(on: backend) == nil)
            }
        }
    }

    @Test func choicesSurviveTheirText() throws {
        for text in ["clblast", "128x128x16/8x8", "64x64x16/8x8/5", "32x32x256/8x32"] { #expect(StepChoice(text, for: .matmul)?.description == text) }
        for text in ["", "tile", "128x128x16", "128x128x16/8x8/0", "128x128x16/8x8/1", "128/128/16/8/8", "100x128x16/8x8", "128x128x16/9x8", "cublas", "1x2x3/4x5/6 7"] {
            #expect(StepChoice(text, for: .matmul) == nil, "\(text)")
        }
    }

    /// Where it is installed, CLBlast computes plain products when it is chosen, and the project's own kernel those with an epilogue.
    @Test(.timeLimit(.minutes(60))) func productsByCLBlast() throws {
        let product = Product(batch: 2, m: 17, n: 23, k: 31, isTransposedB: true, isPlain: true)
        guard let backend = try backendWithCLBlast(for: product) else { return }
        #expect(try product.firstDifference(on: backend) == nil)
        var fused = product
        fused.isPlain = false
        #expect(try fused.firstDifference(on: backend) == nil)
    }

    /// Large enough for CLBlast's fastest kernels, alone and with strides between the matrices of a batch.
    @Test(.timeLimit(.minutes(60)), arguments: [1, 2]) func largeProductsByCLBlast(_ batch: Int) throws {
        let product = Product(batch: batch, m: 512, n: 512, k: 512, isPlain: true)
        guard let backend = try backendWithCLBlast(for: product) else { return }
        #expect(try product.output(on: backend) == product.output(on: makeBackend(.cpu)))
    }

    private func backendWithCLBlast(for product: Product) throws -> OpenCLBackend? {
        var tuning = Tuning()
        tuning[product.step] = .clblast
        let backend = try makeBackend(.cpu) { $0.tuning = tuning }
        guard CLBlastLaunch(product.step, context: backend.context) != nil else {
            print("skipped: CLBlast is not installed")
            return nil
        }
        #expect(try product.source(on: backend).contains("CLBlast"))
        #expect(try !product.source(on: makeBackend(.cpu)).contains("CLBlast"))
        return backend
    }
}
