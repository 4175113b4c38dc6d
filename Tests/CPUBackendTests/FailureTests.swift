import CLibraries
import CPUBackend
import CPUKernels
import Soma
import SomaBackend
import SomaGraph
import Synchronization
import Testing

/// How often oneDNN was made to refuse.
private let refusals = Atomic(0)

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

    /// A convolution that oneDNN has computed once is not left to another kernel later, which rounds otherwise: the run fails.
    @Test(.enabled(if: libraries_onednn_table().pointee.search.found, "no oneDNN"), arguments: [false, true])
    func aRunThatOneDNNRefusesIsAnError(_ isGradient: Bool) throws {
        let device = Device(running: CPUBackend())
        let (x, w) = (Tensor.full([2, 24, 9, 9], 0.5, device: device), Tensor.full([24, 24, 5, 5], 0.25, device: device))
        try realizeAll([x, w])
        func run(_ x: Tensor) throws -> [Float] {
            guard isGradient else { return try convolution(x, w, padding: .all(2)).scalars() }
            let y = convolution(x, w, padding: .all(2))
            return try gradient(of: y, withRespectTo: x, seed: .ones(like: y)).scalars()
        }
        let before = try run(x)
        let table = try #require(UnsafeMutablePointer(mutating: libraries_onednn_table()))
        let execute = table.pointee.primitive_execute
        defer { table.pointee.primitive_execute = execute }
        refusals.store(0, ordering: .relaxed)
        table.pointee.primitive_execute = { _, _, _, _ in
            refusals.wrappingAdd(1, ordering: .relaxed)
            return 5
        }
        do {
            let after = try run(x)
            Issue.record("computed \(before == after ? "the same" : "other bits") by another kernel")
        } catch let error as BackendError {
            #expect("\(error)".contains("oneDNN refuses"), "\(error)")
        }
        #expect(refusals.load(ordering: .relaxed) == 1)
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
