import SomaBackend
import SomaGraph
import Synchronization

/// A backend that runs steps one element at a time, simple and slow: what the compiler makes of a graph is checked with it apart
/// from any device. It also counts, as the recording backend does.
public final class InterpretingBackend: Backend {
    public let device = DeviceDescription(
        name: "interpreter", model: "interpreting backend", vendor: "Soma", kind: .recording, memoryBytes: 1 << 34, computeUnits: 1, driver: "1")
    public let capabilities: Capabilities
    public var arithmetic: [String: String] { ["numbers": "double precision"] }
    public var remark: String? { nil }
    private struct Counts {
        var launches: [Step] = []
        var prepared = 0
        var allocations = 0
        var memoryIsFull = false
    }
    private let counts = Mutex(Counts())
    private let turn = Mutex(())

    /// Steps run since the start or the last `reset`.
    public var launches: [Step] { counts.withLock { $0.launches } }
    public var preparedCount: Int { counts.withLock { $0.prepared } }
    public var allocationCount: Int { counts.withLock { $0.allocations } }
    /// Makes every allocation fail from now on.
    public var memoryIsFull: Bool {
        get { counts.withLock { $0.memoryIsFull } }
        set { counts.withLock { $0.memoryIsFull = newValue } }
    }
    public func reset() { counts.withLock { $0.launches = [] } }

    private let faulty: UnaryFunction?
    private let roundsByWalk: Bool

    /// - Parameters:
    ///   - faulty: a function that gives 1 more than it should, to see that a wrong device is found out.
    ///   - roundsByWalk: whether a value that several launches or walks compute differs among them in its last bit.
    public init(capabilities: Capabilities = Capabilities(), faulty: UnaryFunction? = nil, roundsByWalk: Bool = false) {
        self.capabilities = capabilities
        self.faulty = faulty
        self.roundsByWalk = roundsByWalk
    }

    final class Memory: Buffer, @unchecked Sendable {
        let bytes: UnsafeMutableRawPointer
        override init(byteCount: Int) {
            bytes = .allocate(byteCount: byteCount, alignment: 64)
            // What nobody wrote must show.
            bytes.initializeMemory(as: UInt8.self, repeating: 0xA5, count: byteCount)
            super.init(byteCount: byteCount)
        }
        deinit { bytes.deallocate() }
    }

    private final class Ready: PreparedStep, @unchecked Sendable {
        let step: Step
        init(_ step: Step) { self.step = step }
    }

    public func allocate(byteCount: Int) throws -> Buffer {
        try counts.withLock { counts in
            if counts.memoryIsFull { throw BackendError.outOfMemory(requested: byteCount, available: 0, device: device.name) }
            counts.allocations += 1
        }
        return Memory(byteCount: byteCount)
    }
    public func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws {
        let memory = target.buffer as! Memory
        precondition(target.byteOffset + source.count <= memory.byteCount)
        if let base = source.baseAddress { (memory.bytes + target.byteOffset).copyMemory(from: base, byteCount: source.count) }
    }
    public func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
        let memory = source.buffer as! Memory
        precondition(source.byteOffset + target.count <= memory.byteCount)
        target.copyMemory(from: UnsafeRawBufferPointer(start: memory.bytes + source.byteOffset, count: target.count))
    }
    public func prepare(_ step: Step) throws -> PreparedStep {
        if case .scan(let scan) = step { return try PreparedScan(scan, prepare) }
        counts.withLock { $0.prepared += 1 }
        return Ready(step)
    }
    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
        // One program at a time: those of several threads share the memory of temporaries.
        turn.withLock { _ in
            steps.forEachRun(bindings) { run in
                for step in run.steps {
                    let step = (step as! Ready).step
                    let number = counts.withLock { counts in
                        counts.launches.append(step)
                        return counts.launches.count
                    }
                    StepInterpreter(bindings: run.bindings, faulty: faulty, roundingSeed: roundsByWalk ? number : nil).run(step)
                }
            }
        }
    }
    public func synchronize() throws {}
    public var memory: MemoryUse { MemoryUse(live: 0, peak: 0) }
    public func forgetPeak() {}
    public func sourceText(of step: PreparedStep) -> String? { nil }
}
