import CPUBackend
import CPUKernels
import SomaBackend
import SomaGraph
import SomaReference
import Testing

extension CPUBackendTests {
    @Test(arguments: 0..<600) func randomNestsAgreeWithTheInterpreter(seed: Int) throws {
        let oldSize = soma_team_size()
        soma_level_use(Int32(seed) % soma_level_count())
        soma_team_resize([1, 2, 3, 5][seed % 4])
        defer {
            soma_level_use(0)
            soma_team_resize(oldSize)
        }
        var random = RandomNest(seed: UInt64(seed))
        let memory = random.memory()
        let scalars = [Scalar(0.375, .float32).bits, Scalar(3, .int32).bits]
        let step: Step = random.nest.inner.isEmpty ? .map(random.nest) : .row(random.nest)
        let expected = try result(of: step, on: InterpretingBackend(), memory, scalars: scalars)
        soma_team_prefer_own_threads(seed % 8 > 5)
        defer { soma_team_prefer_own_threads(false) }
        let actual = try result(of: step, on: CPUBackend(), memory, scalars: scalars)
        #expect(actual == (try result(of: step, on: CPUBackend(), memory, scalars: scalars)), "the same bits twice")
        for slot in memory.indices where !agree(actual[slot], expected[slot], random.dtypes[slot]) {
            Issue.record("seed \(seed), slot \(slot), \(random.nest.outer) × \(random.nest.inner): \(random.nest.body)")
        }
    }
}

extension CPUBackendTests {
    /// Sums over the pixels of images with their channels side by side, and maps with a number for each channel: several pixels at once.
    @Test(arguments: [1, 3, 6, 16, 31, 64, 200, 300], [1, 7, 64, 90, 169])
    func channelsOfPixels(_ channels: Int, _ pixels: Int) throws {
        let image = Access(strides: [1, channels]), shift = Access(strides: [1, 0])
        var sums = Body(loads: [Operand(slot: 0, dtype: .float32, access: image), Operand(slot: 1, dtype: .float32, access: shift)])
        sums.instructions = [
            Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32), Instruction(.binary(.subtract, 0, 1), .float32),
            Instruction(.binary(.multiply, 2, 2), .float32), Instruction(.reduce(.sum, 2), .float32), Instruction(.reduce(.max, 3), .float32),
            Instruction(.binary(.multiply, 4, 1), .float32),
        ]
        sums.stores = [6, 5].enumerated().map { Store(value: $1, target: Operand(slot: 2 + $0, dtype: .float32, access: shift)) }
        sums.stores.append(Store(value: 3, target: Operand(slot: 5, dtype: .float32, access: image)))
        var scaled = Body(loads: sums.loads.map { Operand(slot: $0.slot, dtype: .float32, access: Access(strides: $0.access.strides.reversed())) })
        scaled.instructions = [Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32), Instruction(.binary(.multiply, 0, 1), .float32)]
        scaled.stores = [Store(value: 2, target: Operand(slot: 4, dtype: .float32, access: Access(strides: [channels, 1])))]
        // Multiples of ⅛ whose sums are exact.
        let counts: [Int] = [pixels * channels, channels, channels, channels, pixels * channels, pixels * channels]
        let memory: [[UInt8]] = counts.map { count in
            let numbers: [Float] = (0..<count).map { Float(($0 * 13) % 31 - 15) / 8 }
            return numbers.withUnsafeBytes { Array($0) }
        }
        let steps: [Step] = [
            .reduce(LoopNest(outer: [channels], inner: [pixels], body: sums)), .map(LoopNest(outer: [pixels, channels], body: scaled)),
        ]
        for step in steps {
            let expected = try result(of: step, on: InterpretingBackend(), memory, scalars: [])
            #expect(try result(of: step, on: CPUBackend(), memory, scalars: []) == expected)
        }
    }
}
