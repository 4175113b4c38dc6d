import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// Numbers that are easily got wrong without a word: extremes of computed numbers, places beyond 32 bits.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct NumberTests {
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases) func extremesPassTheirGradientOn(_ kind: KernelKind) throws {
        var random = RandomGenerator(seed: 5).hostSequence()
        let elements = (0..<2880).map { _ in random.uniform() - 0.5 }
        for check in ExtremeCheck.all {
            let (sum, wanted) = try check.slopes(elements, on: sharedDevice(kind), readsFirst: true)
            #expect(abs(sum - wanted) < 1e-3 * wanted, "\(check)")
        }
    }

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases) func farWords(_ kind: KernelKind) throws {
        for words in FarWords.all {
            let (device, host) = try words.words(on: sharedDevice(kind))
            #expect(device == host, "\(words)")
        }
    }
}

/// What the planner writes for places beyond 32 bits, which no device here has the memory for.
@Suite struct WidePlaceTests {
    private let planner = StepPlanner(traits: DeviceTraits(isCPU: false, computeUnits: 132, maximumWorkGroupSize: 1024, localMemoryBytes: 48 << 10))

    private func operand(_ slot: Int, _ dtype: DType) -> Operand { Operand(slot: slot, dtype: dtype, access: Access(strides: [1])) }

    @Test func gathersFromALongAxisCountWith64Bits() {
        let plan = planner.gather(
            GatherStep(outer: 1, extent: 1 << 32, inner: 1, count: 3, input: operand(0, .uint8), indices: operand(1, .int32), output: operand(2, .uint8)))
        #expect(plan.source.contains("#define SOMA_WIDE 1") && plan.arguments.contains(.long(1 << 32)))
    }

    @Test func manyIndicesCountWith64Bits() throws {
        let gather = planner.gather(
            GatherStep(outer: 1, extent: 2, inner: 1, count: 1 << 32, input: operand(0, .uint8), indices: operand(1, .int32), output: operand(2, .uint8)))
        #expect(gather.arguments.contains(.long(1 << 32)))
        func scatter(_ count: Int) throws -> [LaunchPlan] {
            try planner.scatterAdd(
                ScatterAddStep(outer: 1, extent: 2, inner: 1, count: count, indices: operand(0, .int32), updates: operand(1, .uint8), target: operand(2, .uint8)))
        }
        let launches = try scatter(1 << 30)
        #expect(launches.allSatisfy { $0.source.contains("#define SOMA_WIDE 1") }, "links lie behind each other")
        #expect(throws: BackendError.self) { _ = try scatter(1 << 31) }
    }

    /// Conversions of NaN to integers are the device's own business in OpenCL, and differ.
    @Test func castsAskNoDeviceForSaturation() {
        #expect(!KernelTemplate.text(of: "activations").contains("_sat"))
    }
}
