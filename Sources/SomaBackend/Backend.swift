import SomaGraph

/// A device that runs steps: all that a backend must implement.
///
/// Every method may be called from any thread. Work is done in the order of `enqueue`, `upload` and `download`. A failure of the device is
/// sticky: once a call throws `BackendError.deviceLost`, so does every later one.
public protocol Backend: AnyObject, Sendable {
    /// What the device calls itself; the same for as long as the backend lives.
    var device: DeviceDescription { get }
    /// What the compiler must know of the device; the same for as long as the backend lives.
    var capabilities: Capabilities { get }
    /// What decides the last bits of results apart from the steps, by name: instructions, libraries and their versions, and the number of threads
    /// where sums are cut by it.
    var arithmetic: [String: String] { get }
    /// A sentence that those who train on the device should know; nil where there is none.
    var remark: String? { get }

    /// Memory for `byteCount` bytes (at least 64-byte aligned, contents undefined); freed with the last reference, after the work that uses it.
    /// - Throws: `BackendError.outOfMemory`.
    func allocate(byteCount: Int) throws -> Buffer
    /// Copies host bytes to the device; `source` may be released on return.
    func upload(_ source: UnsafeRawBufferPointer, to target: BufferSlice) throws
    /// Waits for the work enqueued before and copies device bytes to the host.
    func download(_ source: BufferSlice, into target: UnsafeMutableRawBufferPointer) throws

    /// Makes a step ready to run: kernels compiled, geometry chosen. The result serves any bindings.
    /// - Throws: `BackendError.buildFailed`.
    func prepare(_ step: Step) throws -> PreparedStep
    /// Runs steps in order and returns before they are done.
    ///
    /// The backend keeps the memory below `bindings.buffers` alive until then, without holding the `Buffer` objects themselves: the engine
    /// overwrites an old version of a state when nothing else holds its `Buffer`, which is sound since later steps run later.
    func enqueue(_ steps: [PreparedStep], _ bindings: Bindings) throws
    /// Runs steps as above and notes when each launch ran. The log is whole once `synchronize` has returned.
    func enqueue(_ steps: [PreparedStep], _ bindings: Bindings, noting log: LaunchLog) throws
    /// Waits until everything enqueued is done.
    func synchronize() throws
    /// Runs `body` as a phase of the program. A backend that records a timeline notes it, others only run it.
    func noting<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result

    /// Bytes held for buffers now and at most so far.
    var memory: MemoryUse { get }
    /// Counts the peak of `memory` anew from what is live now.
    func forgetPeak()
    /// The source text that a prepared step runs, for those who want to read it.
    func sourceText(of step: PreparedStep) -> String?
}

/// Memory of a device; backends subclass it.
open class Buffer: Storage, @unchecked Sendable {
    /// As asked for; what the device sets aside may be more.
    public let byteCount: Int

    /// Called by subclasses, which hold the memory.
    public init(byteCount: Int) {
        self.byteCount = byteCount
        super.init()
    }
}

/// A step that a backend has made ready; backends subclass it.
open class PreparedStep: @unchecked Sendable {
    /// Called by subclasses, which hold the kernels or loops.
    public init() {}

    /// Whether it is a `PreparedScan`, asked at each run.
    var isScan: Bool { false }
}

/// A buffer from some byte on.
public struct BufferSlice: Sendable {
    /// The memory; a slice keeps it alive.
    public var buffer: Buffer
    /// Bytes from the beginning of the buffer, 0 or more.
    public var byteOffset: Int

    /// Does not check the offset; what uses the slice does.
    public init(_ buffer: Buffer, byteOffset: Int = 0) {
        self.buffer = buffer
        self.byteOffset = byteOffset
    }
}

/// The buffers, numbers and offsets of one run of a program.
public struct Bindings: Sendable {
    /// By `Operand.slot`.
    public var buffers: [BufferSlice]
    /// Bit patterns as in `Scalar.bits`, by `Body.scalars`.
    public var scalars: [UInt64]
    /// Offsets in elements, by `Access.runtimeOffset`.
    public var offsets: [Int]

    /// A program reads each list by index and checks none of them, so they must be as long as its plan says.
    public init(buffers: [BufferSlice], scalars: [UInt64] = [], offsets: [Int] = []) {
        self.buffers = buffers
        self.scalars = scalars
        self.offsets = offsets
    }
}

/// What a device calls itself.
public struct DeviceDescription: Sendable, Hashable {
    /// What sort of device it is.
    public enum Kind: String, Sendable {
        /// A processor.
        case cpu
        /// A graphics processor.
        case gpu
        /// Any other device that computes.
        case accelerator
        /// None: steps are noted and not run.
        case recording
    }

    /// As `--device` takes it: `cpu`, `opencl:0`.
    public var name: String
    /// The maker's name for the device, to be read by people.
    public var model: String
    /// Who made it.
    public var vendor: String
    /// What sort of device it is.
    public var kind: Kind
    /// Bytes of memory that buffers may take in all.
    public var memoryBytes: Int
    /// Threads of a processor, compute units of an OpenCL device.
    public var computeUnits: Int
    /// The driver and its version; of the processor its instructions and libraries.
    public var driver: String
    /// Whether it is used only where it is named, since it emulates another device or is there for tests.
    public var isByNameOnly: Bool

    /// Nothing is checked. A device is found without its name being given unless `isByNameOnly` is set.
    public init(
        name: String, model: String, vendor: String, kind: Kind, memoryBytes: Int, computeUnits: Int, driver: String, isByNameOnly: Bool = false
    ) {
        (self.name, self.model, self.vendor, self.kind) = (name, model, vendor, kind)
        (self.memoryBytes, self.computeUnits, self.driver, self.isByNameOnly) = (memoryBytes, computeUnits, driver, isByNameOnly)
    }
}

/// What the compiler must know to cut a graph into steps for a device.
public struct Capabilities: Sendable, Hashable {
    /// The most buffers one fused step may read and write.
    public var maximumOperands: Int
    /// The most instructions in one fused body.
    public var maximumInstructions: Int
    /// The longest row, in elements, that a `row` step may walk more than once.
    public var maximumRowCount: Int
    /// The order in which steps for images take them; `nil` where there are no such steps, so that their compositions run instead.
    public var images: ImageOrder?
    /// Whether a depthwise convolution of stride 1, with one filter for each channel, takes images in either order.
    public var takesDepthwiseInEitherOrder: Bool
    /// The most input channels of a forward convolution in one group that can also write channels first, on a device that likes them last,
    /// and then reads x in any order; 0 if none can.
    public var mostChannelsInAnyOrder: Int
    /// The most features of a head that steps of attention take; 0 where there are no such steps, so that their compositions run instead.
    public var attentionWidth: Int
    /// Whether steps of recurrent layers are run as one, and not as their compositions, which are scans.
    public var hasRecurrence: Bool

    /// The defaults suit a device with small tables for its kernels' arguments and no steps for images, attention or recurrent layers.
    public init(
        maximumOperands: Int = 24, maximumInstructions: Int = 256, maximumRowCount: Int = 8192, images: ImageOrder? = nil,
        takesDepthwiseInEitherOrder: Bool = false, mostChannelsInAnyOrder: Int = 0, attentionWidth: Int = 0,
        hasRecurrence: Bool = false
    ) {
        self.maximumOperands = maximumOperands
        self.maximumInstructions = maximumInstructions
        self.maximumRowCount = maximumRowCount
        self.images = images
        self.takesDepthwiseInEitherOrder = takesDepthwiseInEitherOrder
        self.mostChannelsInAnyOrder = mostChannelsInAnyOrder
        self.attentionWidth = attentionWidth
        self.hasRecurrence = hasRecurrence
    }
}

/// Bytes of device memory held for buffers.
public struct MemoryUse: Sendable, Hashable {
    /// Bytes of the buffers that exist.
    public var live: Int
    /// The most that `live` has been since the start or since `Backend.forgetPeak()`.
    public var peak: Int

    /// Both in bytes; `peak` is at least `live`.
    public init(live: Int, peak: Int) {
        self.live = live
        self.peak = peak
    }
}

/// What can happen to a correct program on a device.
public enum BackendError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A buffer of `requested` bytes finds no room; `requested` is 0 where it was not a single buffer that failed.
    case outOfMemory(requested: Int, available: Int, device: String)
    /// The device's compiler refuses a kernel; `log` is what it said.
    case buildFailed(kernel: String, log: String)
    /// The device failed, and every later call throws the same.
    case deviceLost(device: String, reason: String)
    /// The device cannot do what was asked, for the reason given; it goes on working.
    case unsupported(String)

    public var description: String {
        switch self {
        case .outOfMemory(let requested, let available, let device):
            "\(device): out of memory: \(requested) bytes asked for, \(available) available"
        case .buildFailed(let kernel, let log): "kernel \(kernel) does not build: \(log)"
        case .deviceLost(let device, let reason): "\(device): the device failed: \(reason)"
        case .unsupported(let what): "not supported: \(what)"
        }
    }
}
