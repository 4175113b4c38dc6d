import SomaGraph

/// A device that runs steps. This page is all that a device owes.
///
/// Every method may be called from any thread. Work is done in the order of `enqueue`, `upload` and `download`. A failure of the device is
/// sticky: once a call throws `BackendError.deviceLost`, so does every later one.
public protocol Backend: AnyObject, Sendable {
    var device: DeviceDescription { get }
    var capabilities: Capabilities { get }
    /// What decides the last bits of results beside the steps, each by a name: instructions, libraries and their versions, and the number of threads
    /// where sums are cut by it.
    var arithmetic: [String: String] { get }
    /// What whoever trains on the device should know, in a sentence; nil for nothing.
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
    /// Runs `body`, a phase of the program that uses the device: noted by a backend that takes down what happens, else only run.
    func noting<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result

    var memory: MemoryUse { get }
    /// Counts the peak of `memory` anew from what is live now.
    func forgetPeak()
    /// The source text that a prepared step runs, for those who want to read it.
    func sourceText(of step: PreparedStep) -> String?
}

/// Memory of a device; backends subclass it.
open class Buffer: Storage, @unchecked Sendable {
    public let byteCount: Int

    public init(byteCount: Int) {
        self.byteCount = byteCount
        super.init()
    }
}

/// A step that a backend has made ready; backends subclass it.
open class PreparedStep: @unchecked Sendable {
    public init() {}
}

/// A buffer from some byte on.
public struct BufferSlice: Sendable {
    public var buffer: Buffer
    public var byteOffset: Int

    public init(_ buffer: Buffer, byteOffset: Int = 0) {
        self.buffer = buffer
        self.byteOffset = byteOffset
    }
}

/// What a program's slots stand for in one run.
public struct Bindings: Sendable {
    public var buffers: [BufferSlice]
    /// Bit patterns as in `Scalar.bits`.
    public var scalars: [UInt64]
    /// In elements.
    public var offsets: [Int]

    public init(buffers: [BufferSlice], scalars: [UInt64] = [], offsets: [Int] = []) {
        self.buffers = buffers
        self.scalars = scalars
        self.offsets = offsets
    }
}

/// What a device calls itself.
public struct DeviceDescription: Sendable, Hashable {
    public enum Kind: String, Sendable { case cpu, gpu, accelerator, recording }

    /// As `--device` takes it: `cpu`, `opencl:0`.
    public var name: String
    public var model: String
    public var vendor: String
    public var kind: Kind
    public var memoryBytes: Int
    public var computeUnits: Int
    public var driver: String
    /// Whether it is used only where it is named, since it emulates another device or is there for tests.
    public var isByNameOnly: Bool

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
    /// How the steps for images want them; `nil` where there are no such steps, so that their compositions run instead.
    public var images: ImageOrder?
    /// Whether a depthwise convolution of stride 1, with one filter for each channel, takes images in either order.
    public var takesDepthwiseInEitherOrder: Bool
    /// The most input channels of a forward convolution in one group that can also write channels first, on a device that likes them last,
    /// and then reads x in any order; 0 if none can.
    public var mostChannelsInAnyOrder: Int

    public init(
        maximumOperands: Int = 24, maximumInstructions: Int = 256, maximumRowCount: Int = 8192, images: ImageOrder? = nil,
        takesDepthwiseInEitherOrder: Bool = false, mostChannelsInAnyOrder: Int = 0
    ) {
        self.maximumOperands = maximumOperands
        self.maximumInstructions = maximumInstructions
        self.maximumRowCount = maximumRowCount
        self.images = images
        self.takesDepthwiseInEitherOrder = takesDepthwiseInEitherOrder
        self.mostChannelsInAnyOrder = mostChannelsInAnyOrder
    }
}

/// Bytes of device memory held for buffers.
public struct MemoryUse: Sendable, Hashable {
    public var live: Int
    public var peak: Int

    public init(live: Int, peak: Int) {
        self.live = live
        self.peak = peak
    }
}

/// What can happen to a correct program on a device.
public enum BackendError: Error, Sendable, Equatable, CustomStringConvertible {
    case outOfMemory(requested: Int, available: Int, device: String)
    case buildFailed(kernel: String, log: String)
    case deviceLost(device: String, reason: String)
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
