import SomaGraph
import Synchronization

/// A backend that runs nothing and remembers what it was asked: launches, prepared steps and memory are counted
/// with it, and need no hardware. Downloads give zeros.
public final class RecordingBackend: Backend {
    public let device: DeviceDescription
    public let capabilities: Capabilities
    private let record = Mutex(Record())

    /// What was asked since the start, or since the last `reset`.
    public struct Record: Sendable {
        /// Steps run, in order.
        public var launches: [Step] = []
        /// How many steps were prepared: 0 on a replay.
        public var preparedCount = 0
        /// How many buffers were asked for, and how many bytes in all.
        public var allocationCount = 0
        /// Bytes of all buffers that were asked for, those freed since included.
        public var allocatedBytes = 0
        /// Bytes of the buffers that exist, and the most that did at once.
        public var memory = MemoryUse(live: 0, peak: 0)
    }

    private final class RecordedBuffer: Buffer, @unchecked Sendable {
        private let owner: RecordingBackend

        init(byteCount: Int, owner: RecordingBackend) {
            self.owner = owner
            super.init(byteCount: byteCount)
        }

        deinit { owner.record.withLock { $0.memory.live -= byteCount } }
    }

    private final class RecordedStep: PreparedStep, @unchecked Sendable {
        let step: Step
        init(_ step: Step) { self.step = step }
    }

    /// A backend that counts, under any name.
    /// - Parameter capabilities: those that the compiler is to cut graphs for; the defaults have no steps for images.
    public init(name: String = "recording", capabilities: Capabilities = Capabilities()) {
        self.capabilities = capabilities
        device = DeviceDescription(
            name: name, model: "recording backend", vendor: "Soma", kind: .recording, memoryBytes: 1 << 40, computeUnits: 1, driver: "1")
    }

    /// What was asked so far. It is a copy: later calls do not change it.
    public var recorded: Record { record.withLock { $0 } }

    /// It computes nothing.
    public var arithmetic: [String: String] { [:] }
    public var remark: String? { nil }

    public func forgetPeak() { record.withLock { $0.memory.peak = $0.memory.live } }

    /// Forgets the launches and counts; live memory stays.
    public func reset() {
        record.withLock { $0 = Record(memory: MemoryUse(live: $0.memory.live, peak: $0.memory.live)) }
    }

    public func allocate(byteCount: Int) throws -> Buffer {
        record.withLock {
            $0.allocationCount += 1
            $0.allocatedBytes += byteCount
            $0.memory.live += byteCount
            $0.memory.peak = max($0.memory.peak, $0.memory.live)
        }
        return RecordedBuffer(byteCount: byteCount, owner: self)
    }

    public func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws {}

    public func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws {
        target.initializeMemory(as: UInt8.self, repeating: 0)
    }

    public func prepare(_ step: Step) throws -> PreparedStep {
        if case .scan(let scan) = step { return try PreparedScan(scan, prepare) }
        record.withLock { $0.preparedCount += 1 }
        return RecordedStep(step)
    }

    public func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws {
        steps.forEachRun(bindings) { run in
            let launched = run.steps.compactMap { ($0 as? RecordedStep)?.step }
            record.withLock { $0.launches += launched }
        }
    }

    public func synchronize() throws {}
    public var memory: MemoryUse { record.withLock { $0.memory } }
    public func sourceText(of step: PreparedStep) -> String? { nil }
}
