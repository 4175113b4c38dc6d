import OpenCLBackend
import SomaBackend
import SomaGraph
import SomaReference
import Testing

extension BackendTests {
    /// Random loop nests (strides of every kind, several walks, every dtype) on both kinds of kernels.
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func randomNestsAgreeWithTheInterpreter(_ kind: KernelKind) async throws {
        let backend = try makeBackend(kind)
        for seed in 0..<24 {
            await Task.yield()
            var random = RandomNest(seed: UInt64(seed))
            let memory = random.memory()
            let scalars = [Scalar(0.375, .float32).bits, Scalar(3, .int32).bits]
            let step: Step = random.nest.inner.isEmpty ? .map(random.nest) : .row(random.nest)
            let expected = try result(of: step, on: InterpretingBackend(), memory, scalars: scalars)
            let actual = try result(of: step, on: backend, memory, scalars: scalars)
            let again = try result(of: step, on: backend, memory, scalars: scalars)
            #expect(actual == again, "seed \(seed): the same bits twice")
            for slot in memory.indices where !agree(actual[slot], expected[slot], random.dtypes[slot]) {
                Issue.record("seed \(seed), slot \(slot), \(random.nest.outer) × \(random.nest.inner): \(random.nest.body)")
            }
        }
    }

    /// Sums and rows long enough to be cut into segments, to fill every lane, and to outgrow what a lane holds.
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func longReductionsAreComplete(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        for (positions, count) in [(1, 1), (1, 300_001), (3, 100_000), (1, 1 << 20), (40, 4097), (5000, 12)] {
            // Halves add up exactly in any order.
            let values = (0..<positions * count).map { Float($0 % 7) / 2 }
            for isAcross in [false, true] {
                let strides = isAcross ? [1, positions] : [count, 1]
                let load = Operand(slot: 0, dtype: .float32, access: Access(strides: strides))
                let target = { (slot: Int) in Operand(slot: slot, dtype: .float32, access: Access(strides: [1, 0])) }
                let body = Body(
                    loads: [load],
                    instructions: [
                        Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32), Instruction(.reduce(.max, 0), .float32),
                        Instruction(.unary(.negate, 1), .float32),
                    ],
                    stores: [Store(value: 3, target: target(1)), Store(value: 2, target: target(2))])
                let nest = LoopNest(outer: [positions], inner: [count], body: body)
                let output = [UInt8](repeating: 0xA5, count: positions * 4)
                let memory = [values.withUnsafeBytes { [UInt8]($0) }, output, output]
                let actual = try result(of: .reduce(nest), on: backend, memory, scalars: [])
                let sums = actual[1].withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) }
                let maxima = actual[2].withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) }
                for position in 0..<positions {
                    let row = (0..<count).map { values[position * strides[0] + $0 * strides[1]] }
                    #expect(sums[position] == -row.reduce(0, +), "\(positions) × \(count), across: \(isAcross)")
                    #expect(maxima[position] == row.max(), "\(positions) × \(count), across: \(isAcross)")
                }
            }
        }
    }

    /// A chain of n equal numbers added one by one is off by up to n roundings; sums in parts stay near one.
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func longSumsKeepTheirDigits(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let domains: [(outer: [Int], inner: [Int], strides: [Int])] = [
            ([1], [1 << 22], [0, 1]), ([64], [1 << 16], [1, 64]), ([2], [1 << 18, 3], [3 << 18, 3, 1]), ([1], [5, 1 << 17], [0, 1 << 17, 1]),
        ]
        for (outer, inner, strides) in domains {
            let values = [Float](repeating: 0.1, count: (outer + inner).reduce(1, *))
            let strides = Access(strides: strides), sum = Access(strides: [1] + inner.map { _ in 0 })
            let body = Body(
                loads: [Operand(slot: 0, dtype: .float32, access: strides)],
                instructions: [Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32)],
                stores: [Store(value: 1, target: Operand(slot: 1, dtype: .float32, access: sum))])
            let memory = [values.withUnsafeBytes { [UInt8]($0) }, [UInt8](repeating: 0xA5, count: outer[0] * 4)]
            let step = Step.reduce(LoopNest(outer: outer, inner: inner, body: body))
            let actual = try result(of: step, on: backend, memory, scalars: [])[1].withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) }
            let exact = Double(Float(0.1)) * Double(inner.reduce(1, *))
            for sum in actual { #expect(abs(Double(sum) / exact - 1) < 4e-6, "\(outer) × \(inner): \(sum) is not \(exact)") }
        }
    }

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func rowsOfEveryLengthAreNormalised(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        for (rows, count) in [(3, 1), (70, 7), (2, 1000), (9, 1024), (1, 8192), (2, 8191), (1, 20_000)] {
            let nest = softmax(rows: rows, count: count)
            let values = (0..<rows * count).map { Float(($0 * 37) % 101) / 20 - 2 }
            let memory = [values.withUnsafeBytes { [UInt8]($0) }, [UInt8](repeating: 0xA5, count: rows * count * 4)]
            let expected = try result(of: .row(nest), on: InterpretingBackend(), memory, scalars: [])
            let actual = try result(of: .row(nest), on: backend, memory, scalars: [])
            #expect(agree(actual[1], expected[1], .float32), "\(rows) × \(count)")
            let numbers = actual[1].withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) }
            for row in 0..<rows { #expect(abs(numbers[row * count..<(row + 1) * count].reduce(0, +) - 1) < 1e-4) }
        }
    }
}

/// y = exp(x − max x) / Σ exp(x − max x) over each row.
func softmax(rows: Int, count: Int) -> LoopNest {
    let access = Access(strides: [count, 1])
    let body = Body(
        loads: [Operand(slot: 0, dtype: .float32, access: access)],
        instructions: [
            Instruction(.load(operand: 0), .float32), Instruction(.reduce(.max, 0), .float32),
            Instruction(.binary(.subtract, 0, 1), .float32), Instruction(.unary(.exp, 2), .float32),
            Instruction(.reduce(.sum, 3), .float32), Instruction(.binary(.divide, 3, 4), .float32),
        ],
        stores: [Store(value: 5, target: Operand(slot: 1, dtype: .float32, access: access))])
    return LoopNest(outer: [rows], inner: [count], body: body)
}
