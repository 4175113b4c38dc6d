import SomaBackend
import SomaGraph
import Testing

@testable import OpenCLBackend

/// What the planner writes for a GPU that is not here.
@Suite struct TextTests {
    private let planner = StepPlanner(
        traits: DeviceTraits(isCPU: false, computeUnits: 132, maximumWorkGroupSize: 1024, localMemoryBytes: 48 << 10, isNVIDIA: true))

    @Test func quotientsAreExact() {
        for extent in [1, 2, 3, 5, 7, 10, 127, 128, 129, 1000, 65_535, 65_537, 1 << 20, 12_345_678, Int(Int32.max) - 1, Int(Int32.max)] {
            let (multiplier, shift) = KernelParameters.multiplier(extent)
            for x in [0, 1, extent - 1, extent, extent + 1, 2 * extent - 1, 2 * extent, 7 * extent + 3, Int(Int32.max) - 1, Int(Int32.max)]
            where x >= 0 && x <= Int(Int32.max) {
                let high = (UInt64(x) * UInt64(multiplier)) >> 32
                #expect(Int((high + UInt64(x)) >> UInt64(shift)) == x / extent, "\(x) / \(extent)")
            }
        }
    }

    private func map(_ extents: [Int], _ strides: [Int], offset: Int = 0) -> LoopNest {
        let target = Operand(slot: 1, dtype: .float32, access: Access(strides: Shape(extents).contiguousStrides))
        return LoopNest(
            outer: extents,
            body: Body(
                loads: [Operand(slot: 0, dtype: .float32, access: Access(strides: strides, offset: offset))],
                instructions: [Instruction(.load(operand: 0), .float32), Instruction(.unary(.tanh, 0), .float32)],
                stores: [Store(value: 1, target: target)]))
    }

    @Test func contiguousMapsAreVectors() {
        #expect(planner.map(map([4096], [1])).source.contains("SOMA_LOAD4(float, x0, p0)"))
        #expect(planner.map(map([6, 64], [0, 1])).source.contains("#define WIDTH 4\n"))
        for nest in [map([4095], [1]), map([4096], [2]), map([4096], [1], offset: 3), map([6, 64], [65, 1]), map([64, 6], [6, 1])] {
            #expect(planner.map(nest).source.contains("#define WIDTH 1\n"))
        }
    }

    /// Programs are cached by their text, so a shape must not be in it.
    @Test func textsDoNotDependOnExtents() {
        #expect(planner.map(map([128, 512], [0, 1])).source == planner.map(map([64, 1024], [0, 1])).source)
        #expect(planner.map(map([128, 512], [600, 1])).source == planner.map(map([32, 256], [300, 1])).source)
        #expect(planner.reduce(softmax(rows: 100, count: 900)).map(\.source) == planner.reduce(softmax(rows: 200, count: 1000)).map(\.source))
        let products = [Product(m: 4096, n: 8192, k: 512), Product(m: 4096, n: 4096, k: 4096)]
        #expect(planner.matmul(products[0].step).map(\.source) == planner.matmul(products[1].step).map(\.source))
    }

    @Test func productsGetTilesThatFillTheDevice() {
        func tile(_ product: Product) -> MatmulTile { planner.shipped.tile(for: product.step, planner.traits) }
        let tiles = planner.shipped
        #expect(tile(Product(m: 4096, n: 4096, k: 4096)) == tiles.large)
        #expect(tile(Product(m: 1024, n: 1024, k: 1024)) == tiles.small)
        #expect(tile(Product(m: 16, n: 4096 * 8, k: 4096)) == tiles.flat)
        #expect(tile(Product(m: 4096 * 8, n: 10, k: 64)) == tiles.narrow)
        #expect(tile(Product(m: 128, n: 128, k: 65_536)).segments > 16)
        #expect(tile(Product(m: 128, n: 128, k: 128)).segments == 1)
        for tile in [tiles.large, tiles.small, tiles.flat, tiles.narrow] { #expect(tile?.fits(planner.traits) == true) }
    }

    @Test func everyClassOfDevicesHasItsTiles() {
        func tiles(_ vendor: String, isCPU: Bool = false) -> ShippedTiles {
            .forDevice(DeviceTraits(isCPU: isCPU, computeUnits: 1, maximumWorkGroupSize: 256, localMemoryBytes: 1 << 15, vendor: vendor))
        }
        let classes = [
            "NVIDIA Corporation": "nvidia", "Advanced Micro Devices, Inc.": "advanced", "AMD": "amd", "Intel(R) Corporation": "intel", "ARM": "arm",
            "Apple": "apple", "QUALCOMM": "qualcomm", "GenuineIntel": "other", "": "other",
        ]
        for (vendor, name) in classes { #expect(tiles(vendor) == ShippedTiles.table[name], "\(vendor)") }
        #expect(tiles("Intel(R) Corporation", isCPU: true) == ShippedTiles.table["cpu"])
    }

    @Test func slotsOfTemplatesAreFilled() {
        for plan in [planner.map(map([8], [1]))] + planner.reduce(softmax(rows: 3, count: 9)) + planner.matmul(Product(m: 99, n: 99, k: 99).step) {
            #expect(!plan.source.contains("//@"))
            #expect(plan.arguments.count > 0 && plan.global.count == plan.local?.count)
        }
    }
}
