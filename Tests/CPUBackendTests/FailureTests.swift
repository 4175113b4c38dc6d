import CPUBackend
import CPUKernels
import Soma
import SomaBackend
import SomaGraph
import Testing

extension CPUBackendTests {
    /// Only who trains by loops that the compiler did not optimise has to be told.
    @Test func slowLoopsAreRemarkedOn() {
        #expect((CPUBackend().remark == nil) == soma_kernels_are_optimized())
    }

    @Test func aLackOfScratchMemoryIsAnErrorThatStays() throws {
        // A row that is walked twice and fits no address space.
        let count = 1 << 50
        let body = Body(
            instructions: [
                Instruction(.index(Access(strides: [1])), .int32), Instruction(.reduce(.max, 0), .int32),
                Instruction(.binary(.subtract, 0, 1), .int32), Instruction(.reduce(.max, 2), .int32),
            ],
            stores: [Store(value: 3, target: Operand(slot: 0, dtype: .int32, access: Access(strides: [0])))])
        let backend = CPUBackend()
        let slice = BufferSlice(try backend.allocate(byteCount: 4))
        let step = try backend.prepare(.row(LoopNest(outer: [], inner: [count], body: body)))
        try backend.enqueue([step], Bindings(buffers: [slice]))
        #expect(throws: BackendError.self) { try backend.synchronize() }
        #expect(throws: BackendError.self) { try backend.enqueue([step], Bindings(buffers: [slice])) }
        var bytes = [UInt8](repeating: 0, count: 4)
        #expect(throws: BackendError.self) { try bytes.withUnsafeMutableBytes { try backend.download(slice, into: $0) } }
    }

    /// Sizes that no machine has are refused when they are to be stored, and nothing overflows on the way.
    @Test func aTensorBeyondAnyMemoryIsAnError() throws {
        let device = Device(running: CPUBackend())
        let huge = Tensor.full([Shape.greatestCount], 1, device: device)
        for tensor in [huge.contiguous(), (huge + 1).contiguous(), huge.as(.int64).contiguous()] {
            #expect(throws: BackendError.self) { try tensor.realize() }
        }
        #expect(throws: BackendError.self) { try realizeAll([(huge * 2).contiguous(), (huge * 3).contiguous()]) }
        #expect(try Tensor([1] as [Float], device: device).scalars() == [1] as [Float])
    }

    @Test func pastTheLimitNothingIsAllocated() throws {
        let backend = CPUBackend(memoryLimit: 1 << 20)
        let kept = try backend.allocate(byteCount: 700_000)
        #expect(backend.memory.live == 700_000)
        #expect(throws: BackendError.outOfMemory(requested: 400_000, available: (1 << 20) - 700_000, device: "cpu")) {
            try backend.allocate(byteCount: 400_000)
        }
        withExtendedLifetime(kept) {}
    }
}
