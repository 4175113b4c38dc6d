import CLibraries
import CPUKernels
import Glibc
import SomaBackend
import Synchronization

/// The processor itself, behind the same protocol as any other device.
///
/// Convolutions go to oneDNN where it is installed and has the better kernel; everything else, and everything where it is not, runs on this
/// project's own loops. All of it is issued from one thread to one team, whose size decides no bit of a result.
public final class CPUBackend: Backend {
    public let device: DeviceDescription
    public let capabilities = Capabilities(
        maximumOperands: 48, maximumInstructions: 256, maximumRowCount: 1 << 16, images: .channelsLast, takesDepthwiseInEitherOrder: true,
        mostChannelsInAnyOrder: 4,
        attentionWidth: 256, hasRecurrence: true)

    let pool: CPUMemory
    let thread = ComputeThread()
    private let failure = StickyFailure()

    /// Starts the threads that computing takes before there is anything to lose: OpenMP ends the process where the system has no room for one.
    /// - Throws: `BackendError.unsupported` where it has none.
    public func startThreads() throws {
        let outcome = Outcome()
        thread.submit { outcome.code.store(soma_team_start(), ordering: .relaxed) }
        thread.wait()
        let code = outcome.code.load(ordering: .relaxed)
        if code == 0 { return }
        let limit = HostMemory.limitInForce.map { "; \($0)" } ?? ""
        throw BackendError.unsupported(
            "cpu: \(soma_team_size()) threads cannot be started: \(String(cString: strerror(code)))\(limit); OMP_NUM_THREADS=1 needs none")
    }

    private final class Outcome: Sendable { let code = Atomic<Int32>(0) }

    /// A backend on this machine's processor. Threads are started by the first step or by `startThreads`.
    /// - Parameter memoryLimit: the most bytes of buffers; by default what the machine has.
    public init(memoryLimit: Int? = nil) {
        var device = CPUBackend.description
        device.memoryBytes = memoryLimit ?? device.memoryBytes
        pool = CPUMemory(limit: device.memoryBytes, deviceName: device.name)
        self.device = device
    }

    /// This machine's processor as a device.
    public static var description: DeviceDescription {
        DeviceDescription(
            name: "cpu", model: Processor.model, vendor: Processor.vendor, kind: .cpu,
            memoryBytes: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)), computeUnits: Int(soma_team_size()),
            driver: "\(String(cString: soma_level_name(0))), \(String(cString: soma_team_description()))")
    }

    deinit { thread.stop() }

    public var memory: MemoryUse { pool.use }
    public func forgetPeak() { pool.forgetPeak() }

    public func allocate(byteCount: Int) throws -> Buffer { CPUBuffer(try pool.allocate(byteCount: byteCount)) }

    public func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws {
        guard let bytes = source.baseAddress, !source.isEmpty else { return }
        let block = try block(target, byteCount: source.count)
        if block.runs.load(ordering: .acquiring) > 0 { thread.wait() }
        memcpy(block.pointer + target.byteOffset, bytes, source.count)
    }

    public func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
        guard let bytes = target.baseAddress, !target.isEmpty else { return }
        let block = try block(source, byteCount: target.count)
        if block.runs.load(ordering: .acquiring) > 0 { thread.wait() }
        try failure.check()
        memcpy(bytes, block.pointer + source.byteOffset, target.count)
    }

    public func prepare(_ step: Step) throws -> PreparedStep {
        switch step {
        case .map(let nest): if let copy = TransposeProgram(nest) { copy } else { try LoopProgram(nest) }
        case .reduce(let nest), .row(let nest): try LoopProgram(nest)
        case .matmul(let step): try MatmulProgram(step, pool: pool)
        case .convolution(let step): try ConvolutionProgram(step, pool: pool)
        case .pooling(let step): PoolingProgram(step)
        case .gather(let step): GatherProgram(step)
        case .scatterAdd(let step): ScatterAddProgram(step)
        case .blockCopy(let step): BlockCopyProgram(step)
        case .attention(let step): AttentionProgram(step)
        case .recurrence(let step): RecurrenceProgram(step)
        case .scan(let step): try PreparedScan(step, prepare)
        case .custom(let step): try CustomProgram(step)
        }
    }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws { try enqueue(steps, bindings, log: nil) }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws { try enqueue(steps, bindings, log: log) }

    private func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, log: LaunchLog?) throws {
        try failure.check()
        var runs: [Run] = []
        try steps.forEachRun(bindings) { run in
            let blocks = try run.bindings.buffers.map { try block($0, byteCount: 0) }
            runs.append(Run(run, blocks: blocks, log: log))
        }
        thread.submit { [failure, runs] in failure.guarding { for run in runs { try run.run() } } }
    }

    public func synchronize() throws {
        thread.wait()
        try failure.check()
    }

    public func sourceText(of step: PreparedStep) -> String? { nil }

    private func block(_ slice: BufferSlice, byteCount: Int) throws -> MemoryBlock {
        guard let buffer = slice.buffer as? CPUBuffer, slice.byteOffset >= 0, slice.byteOffset + byteCount <= buffer.byteCount else {
            throw BackendError.unsupported("a buffer of another device, or \(byteCount) bytes past its end")
        }
        return buffer.block
    }
}

/// The first failure of a run. What comes after it would compute with what it left undone, so nothing runs any more.
private final class StickyFailure: Sendable {
    private let first = Mutex<(any Error)?>(nil)

    func guarding(_ run: () throws -> Void) {
        guard first.withLock({ $0 == nil }) else { return }
        do { try run() } catch { first.withLock { $0 = error } }
    }

    func check() throws {
        if let error = first.withLock({ $0 }) { throw error }
    }
}

extension BackendError {
    /// There is no memory for the intermediate results of the threads.
    static var noScratchMemory: BackendError { .outOfMemory(requested: 0, available: HostMemory.available, device: "cpu") }
    /// A library has found no memory for what it needs.
    static func noLibraryMemory() -> BackendError {
        _ = library_lacked_memory()
        return .noScratchMemory
    }

    /// - Throws: `outOfMemory` where a library that was just called has found none.
    static func checkLibraryMemory() throws {
        if library_lacked_memory() { throw noLibraryMemory() }
    }
}

/// Steps and what they run on, kept alive until they are done.
private struct Run: Sendable {
    let steps: [CPUStep]
    let blocks: [MemoryBlock]
    let byteOffsets: [Int]
    let scalars: [UInt64]
    let offsets: [Int]
    let log: LaunchLog?
    let origin: StepOrigin

    init(_ run: StepRun, blocks: [MemoryBlock], log: LaunchLog?) {
        steps = run.steps.compactMap { $0 as? CPUStep }
        origin = run.origin
        self.blocks = blocks
        byteOffsets = run.bindings.buffers.map(\.byteOffset)
        scalars = run.bindings.scalars
        offsets = run.bindings.offsets
        self.log = log
        for block in blocks { block.runs.wrappingAdd(1, ordering: .relaxed) }
    }

    func run() throws {
        defer { for block in blocks { block.runs.wrappingSubtract(1, ordering: .releasing) } }
        let pointers = zip(blocks, byteOffsets).map { $0.pointer + $1 }
        try pointers.withUnsafeBufferPointer { pointers in
            try scalars.withUnsafeBufferPointer { scalars in
                try offsets.withUnsafeBufferPointer { offsets in
                    guard let first = pointers.baseAddress else { return }
                    // An empty array may have no address; nothing reads through it then.
                    let context = RunContext(
                        pointers: first, scalars: scalars.baseAddress ?? Run.nothing.scalars, offsets: offsets.baseAddress ?? Run.nothing.offsets)
                    if let log { return try run(context, noting: log) }
                    for step in steps { try step.run(context) }
                }
            }
        }
    }

    private func run(_ context: RunContext, noting log: LaunchLog) throws {
        for (number, step) in steps.enumerated() {
            let start = LaunchLog.now
            try step.run(context)
            log.append(
                .init(step: origin.index(ofStep: number), name: step.kernelName, work: origin.work?[number], start: start, end: LaunchLog.now))
        }
    }

    private struct Nothing: @unchecked Sendable {
        let scalars = UnsafePointer(UnsafeMutablePointer<UInt64>.allocate(capacity: 1))
        let offsets = UnsafePointer(UnsafeMutablePointer<Int>.allocate(capacity: 1))
    }
    private static let nothing = Nothing()
}
