import CPUBackend
import SomaBackend
import SomaGraph
import SomaReference
import Testing

/// A scan as a backend is given it: sums s of 4 numbers, s + x for each row x of a sequence, of which each step writes the square.
struct ScanStepTests {
    private static func step(_ count: Int, isReversed: Bool) -> ScanStep {
        func whole(_ slot: Int, _ dtype: DType = .float32) -> Operand { Operand(slot: slot, dtype: dtype, access: Access(strides: [1])) }
        let body = Body(
            loads: [whole(0), whole(1)],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32), Instruction(.binary(.add, 0, 1), .float32),
                Instruction(.binary(.multiply, 2, 2), .float32),
            ],
            stores: [Store(value: 2, target: whole(2)), Store(value: 3, target: whole(3))])
        return ScanStep(
            count: count, isReversed: isReversed, body: [.map(LoopNest(outer: [4], body: body))],
            slots: [.state(0), .element(whole(1), byteStride: 16), .nextState(0), .element(whole(3), byteStride: 16)],
            states: [.init(initial: whole(0), final: whole(2), firstByteOffset: 0, secondByteOffset: 64)], workspace: whole(4, .uint8), firstOffset: 0)
    }

    private static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

    @Test(arguments: [1, 2, 5], [false, true]) func statesGoOnFromStepToStep(_ count: Int, isReversed: Bool) throws {
        let x = (0..<4 * count).map { Float($0 % 7) - 2 }
        let memory = [Self.bytes([1, 2, 3, 4]), Self.bytes(x), Self.bytes([0, 0, 0, 0]), Self.bytes(x.map { _ in 0 }), [UInt8](repeating: 0, count: 128)]
        let result = try result(of: .scan(Self.step(count, isReversed: isReversed)), on: CPUBackend(), memory, scalars: [])
        var sums: [Float] = [1, 2, 3, 4]
        var squares = [Float](repeating: 0, count: 4 * count)
        for place in isReversed ? (0..<count).reversed() : Array(0..<count) {
            for i in 0..<4 {
                sums[i] += x[4 * place + i]
                squares[4 * place + i] = sums[i] * sums[i]
            }
        }
        #expect(result[0] == memory[0] && result[1] == memory[1])
        #expect(result[2] == Self.bytes(sums) && result[3] == Self.bytes(squares))
    }

    /// What comes before and after a scan is told apart from it, and each of its launches has the work of one.
    @Test func launchesAreNoted() throws {
        let (log, backend, scan) = (LaunchLog(), CPUBackend(), Self.step(3, isReversed: false))
        let sizes = [16, 48, 16, 48, 128]
        let buffers = try sizes.map { BufferSlice(try backend.allocate(byteCount: $0)) }
        let plain = Step.map(LoopNest(outer: [4], body: Body(
            loads: [Operand(slot: 0, dtype: .float32, access: Access(strides: [1]))], instructions: [Instruction(.load(operand: 0), .float32)],
            stores: [Store(value: 0, target: Operand(slot: 2, dtype: .float32, access: Access(strides: [1])))])))
        try backend.enqueue([plain, .scan(scan), plain].map(backend.prepare), Bindings(buffers: buffers), noting: log)
        try backend.synchronize()
        #expect(log.launches.map(\.step) == [0, 1, 1, 1, 2])
        #expect(log.launches.map(\.work) == [nil, scan.body[0].work, scan.body[0].work, scan.body[0].work, nil])
    }

    @Test func readsAndWritesAreThoseOfMemoryOutside() {
        let step = Step.scan(Self.step(5, isReversed: false))
        #expect(Set(step.reads.map(\.slot)) == [0, 1, 4] && Set(step.writes.map(\.slot)) == [2, 3, 4])
        #expect(step.work == Work(operations: 5 * 8, bytesRead: 80, bytesWritten: 80) && step.label == "scan of 5, 1 step each")
    }
}
