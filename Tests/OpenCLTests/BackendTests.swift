import Foundation
import Soma
import SomaBackend
import SomaGraph
import SomaReference
import Testing

@testable import OpenCLBackend

/// What a backend owes beyond the right numbers: memory, order, failures.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device")) struct BackendTests {
    private func upload(_ values: [Float], _ backend: OpenCLBackend) throws -> BufferSlice {
        let slice = BufferSlice(try backend.allocate(byteCount: values.count * 4))
        try values.withUnsafeBytes { try backend.upload($0, to: slice) }
        return slice
    }

    private func download(_ slice: BufferSlice, _ count: Int, _ backend: OpenCLBackend) throws -> [Float] {
        var values = [Float](repeating: -1, count: count)
        try values.withUnsafeMutableBytes { try backend.download(slice, into: $0) }
        return values
    }

    /// y = x + s, both from some element on.
    private func addition(_ count: Int, runtimeOffset: Int? = nil) -> Step {
        let x = Operand(slot: 0, dtype: .float32, access: Access(strides: [1], runtimeOffset: runtimeOffset))
        let body = Body(
            loads: [x], scalars: [0],
            instructions: [
                Instruction(.load(operand: 0), .float32), Instruction(.scalar(index: 0), .float32), Instruction(.binary(.add, 0, 1), .float32),
            ],
            stores: [Store(value: 2, target: Operand(slot: 1, dtype: .float32, access: Access(strides: [1])))])
        return .map(LoopNest(outer: [count], body: body))
    }

    // MARK: Times

    /// The device's own times of launches, or those of the host around each step where the queue keeps none.
    @Test(arguments: [true, false]) func launchesAreTimed(_ isProfiling: Bool) throws {
        let backend = try makeBackend(.gpu) { $0.isProfiling = isProfiling }
        let (x, y) = (try upload([1, 2, 3, 4], backend), BufferSlice(try backend.allocate(byteCount: 16)))
        let step = try backend.prepare(addition(4))
        let bindings = Bindings(buffers: [x, y], scalars: [Scalar(1, .float32).bits])
        try backend.enqueue([step], bindings)
        try backend.synchronize()
        let (log, start) = (LaunchLog(), LaunchLog.now)
        try backend.enqueue([step, step], bindings, noting: log)
        try backend.synchronize()
        let end = LaunchLog.now
        #expect(try download(y, 4, backend) == [2, 3, 4, 5])
        #expect(log.launches.map(\.step) == [0, 1] && log.launches.map(\.name) == (isProfiling ? ["soma_map", "soma_map"] : ["", ""]))
        #expect(log.launches[0].end <= log.launches[1].start)
        for launch in log.launches {
            // The clocks of host and device are set beside each other so that nothing runs before it is asked for.
            #expect(launch.start >= start && launch.start <= launch.end && launch.end <= end)
        }
    }

    /// Of a step's launches one does its work, and the others tell what they do themselves.
    @Test(arguments: KernelKind.allCases) func launchesThatHelpTellTheirOwnWork(_ kind: KernelKind) throws {
        let planner = try makeBackend(kind).planner
        let product = planner.matmul(Product(m: 64, n: 48, k: 32).step)
        #expect(product.filter { $0.work != nil }.map(\.work) == (kind == .cpu ? [Work(copying: 4 * 64 * 32), Work(copying: 4 * 48 * 32)] : []))
        let sample = ConvolutionSample(batch: 4, inputs: 8, outputs: 8, input: [16, 16], before: [1, 1], after: [1, 1])
        var plans = [product, planner.matmul(Product(m: 16, n: 16, k: 1 << 16).step)]
        plans += try ConvolutionSample.passes.map { try planner.convolution(sample.with($0).step) }
        for launches in plans {
            #expect(launches.count { $0.work == nil } == 1, "\(launches.map(\.entry))")
            for case let work? in launches.map(\.work) { #expect(work.bytesRead > 0 && work.bytesWritten > 0, "\(launches.map(\.entry))") }
        }
        #expect(plans.joined().contains { $0.work != nil })
        let winograd = try makeBackend(.gpu) { $0.usesWinograd = true }.planner.winograd(sample.step)
        // 16 places in each of 64 tiles an image, for each of which 8 channels are multiplied by 8.
        #expect(winograd.map { $0.work?.operations ?? -1 } == [0, 0, 2 * 16 * 64 * 4 * 64, 0])
    }

    // MARK: Memory

    @Test func memoryIsCountedReusedAndCapped() throws {
        let backend = try makeBackend(.gpu) { $0.memoryLimit = 64 << 20 }
        var small: Buffer? = try backend.allocate(byteCount: 1000)
        let large = try backend.allocate(byteCount: 40 << 20)
        #expect(backend.memory.live == 1000 + (40 << 20))
        #expect(throws: BackendError.self) { _ = try backend.allocate(byteCount: 40 << 20) }
        do {
            _ = try backend.allocate(byteCount: 40 << 20)
        } catch BackendError.outOfMemory(let requested, let available, _) {
            #expect(requested == 40 << 20 && available < 24 << 20)
        }
        small = nil
        _ = small
        #expect(backend.memory.live == large.byteCount)
        #expect(backend.memory.peak == 1000 + (40 << 20))
        // The process goes on.
        #expect(try download(try upload([1, 2, 3], backend), 3, backend) == [1, 2, 3])
    }

    @Test func aTensorBeyondAnyMemoryIsAnError() throws {
        let device = Device(running: try makeBackend(.gpu))
        let huge = Tensor.full([Shape.greatestCount], 1, device: device)
        #expect(throws: BackendError.self) { try huge.contiguous().realize() }
        #expect(try Tensor([1] as [Float], device: device).scalars() == [1] as [Float])
    }

    @Test func tensorsGoToTheProcessorAndBack() throws {
        let (here, there) = (try sharedDevice(.gpu), try Device.named("cpu"))
        let x = Tensor((0..<1000).map(Float.init), device: here)
        let loss = (square(x.to(there)) * 0.5).to(here).sum()
        #expect(try gradient(of: loss, withRespectTo: x).scalars(as: Float.self) == (0..<1000).map(Float.init))
        #expect(try (x + 1).to(there).scalars(as: Float.self) == (1...1000).map(Float.init))
    }

    @Test func neighboursInOneChunkDoNotTouch() throws {
        let backend = try makeBackend(.gpu)
        var slices = try (0..<50).map { number in try upload([Float](repeating: Float(number), count: 1 + number * 13 % 300), backend) }
        for number in stride(from: 0, to: 50, by: 2) { slices[number] = try upload([Float](repeating: Float(number), count: 77), backend) }
        for number in 0..<50 {
            let count = slices[number].buffer.byteCount / 4
            #expect(try download(slices[number], count, backend) == [Float](repeating: Float(number), count: count))
        }
    }

    @Test func uploadsAndWorkKeepTheirOrder() throws {
        let backend = try makeBackend(.gpu)
        let step = try backend.prepare(addition(4096))
        let x = try upload([Float](repeating: 0, count: 4096), backend)
        let results = try (0..<40).map { _ in BufferSlice(try backend.allocate(byteCount: 4096 * 4)) }
        // Each upload overwrites what the launch before it reads.
        for (number, result) in results.enumerated() {
            try [Float](repeating: Float(number), count: 4096).withUnsafeBytes { try backend.upload($0, to: x) }
            try backend.enqueue([step], Bindings(buffers: [x, result], scalars: [Scalar(0.5, .float32).bits]))
        }
        for (number, result) in results.enumerated() {
            #expect(try download(result, 4096, backend) == [Float](repeating: Float(number) + 0.5, count: 4096))
        }
    }

    @Test func aSliceMayBeginAtAnyElement() throws {
        for kind in KernelKind.allCases {
            let backend = try makeBackend(kind)
            let values = (0..<1000).map { Float($0) }
            let (x, y) = (try upload(values, backend), try upload([Float](repeating: 0, count: 996), backend))
            let step = try backend.prepare(addition(996, runtimeOffset: 0))
            for offset in [0, 1, 4, 3, 2, 0] {
                try backend.enqueue([step], Bindings(buffers: [x, y], scalars: [Scalar(1, .float32).bits], offsets: [offset]))
                #expect(try download(y, 996, backend) == (0..<996).map { Float($0 + offset + 1) })
            }
        }
    }

    @Test func positionsOf64BitsAgreeWithThoseOf32() throws {
        let backend = try makeBackend(.gpu)
        // One row of a matrix so wide that its last element lies past 2³¹; only the first row exists.
        let nest = { (stride: Int) in
            let access = Access(strides: [stride, 1])
            let body = Body(
                loads: [Operand(slot: 0, dtype: .float32, access: access)],
                instructions: [Instruction(.load(operand: 0), .float32), Instruction(.unary(.negate, 0), .float32)],
                stores: [Store(value: 1, target: Operand(slot: 1, dtype: .float32, access: access))])
            return LoopNest(outer: [2, 33], body: body)
        }
        #expect(nest(1 << 31).isWide && !nest(1 << 20).isWide)
        let plan = StepPlanner(traits: backend.planner.traits).map(nest(1 << 31))
        #expect(plan.source.hasPrefix("#define SOMA_CPU 0\n#define SOMA_WIDE 1\n"))
        _ = try backend.prepare(.map(nest(1 << 31)))
    }

    // MARK: Many threads

    // Where no program is cached yet, its compilation waits for that of the tests beside it.
    @Test(.timeLimit(.minutes(60))) func threadsShareADevice() async throws {
        let backend = try makeBackend(.gpu)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let step = try backend.prepare(addition(5000))
                    for round in 0..<25 {
                        let x = try upload([Float](repeating: Float(number), count: 5000), backend)
                        let y = BufferSlice(try backend.allocate(byteCount: 20_000))
                        try backend.enqueue([step], Bindings(buffers: [x, y], scalars: [Scalar(Double(round), .float32).bits]))
                        #expect(try download(y, 5000, backend) == [Float](repeating: Float(number + round), count: 5000))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: Failures

    @Test func aKernelThatDoesNotBuildSaysWhy() throws {
        let backend = try makeBackend(.gpu)
        let kernel = CustomKernel(name: "broken", source: "void broken(__global const float *x, __global float *y) { y[0] = nonsense; }") { _, _ in
            CustomKernel.Launch(global: [1])
        } compute: { _, _, _, _ in
        }
        do {
            _ = try backend.prepare(custom(kernel))
            Issue.record("it builds")
        } catch BackendError.buildFailed(_, let log) {
            #expect(log.contains("nonsense"))
        }
        try backend.synchronize()
    }

    @Test func aLaunchThatIsWrongLeavesTheDeviceUsable() throws {
        let backend = try makeBackend(.gpu)
        let kernel = CustomKernel(name: "uneven", source: "void uneven(__global const float *x, __global float *y) { y[0] = x[0]; }") { _, _ in
            CustomKernel.Launch(global: [10], local: [3])
        } compute: { _, _, _, _ in
        }
        let step = try backend.prepare(custom(kernel))
        let x = try upload([1], backend)
        #expect(throws: BackendError.unsupported("\(backend.device.name) refuses a launch: clEnqueueNDRangeKernel: invalid work-group size (-54)")) {
            try backend.enqueue([step], Bindings(buffers: [x, x]))
        }
        #expect(try download(x, 1, backend) == [1])
    }

    private func custom(_ kernel: CustomKernel) -> Step {
        let operand = { (slot: Int) in Operand(slot: slot, dtype: .float32, access: Access(strides: [1])) }
        return .custom(CustomStep(operation: kernel, inputs: [operand(0)], inputShapes: [[1]], output: operand(1), outputShape: [1]))
    }

    @Test func aFailedDeviceStaysFailed() throws {
        let backend = try makeBackend(.gpu)
        let step = try backend.prepare(addition(8))
        let x = try upload([Float](repeating: 0, count: 8), backend)
        #expect(throws: BackendError.self) {
            try backend.withQueue { _ throws(OpenCLError) in throw OpenCLError(function: "clFinish", code: -5) }
        }
        let lost = BackendError.deviceLost(device: backend.device.name, reason: "clFinish: out of resources (-5)")
        #expect(throws: lost) { try backend.enqueue([step], Bindings(buffers: [x, x], scalars: [0])) }
        #expect(throws: lost) { try backend.synchronize() }
        #expect(throws: lost) { _ = try backend.prepare(addition(8)) }
        #expect(throws: lost) { _ = try download(x, 8, backend) }
    }
}
