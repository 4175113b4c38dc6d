import CLibraries
import SomaBackend
import SomaGraph

/// A kernel with its arguments and geometry, ready to be enqueued again and again; only arguments that changed are set again.
///
/// Not safe by itself: used with the device's lock held.
final class OpenCLLaunch: Launch {
    /// An argument that depends on the bindings, and what the kernel was last given for it.
    private struct Argument {
        var index: cl_uint
        var kind: KernelArgument
        var byteCount: Int
        var current: UInt64?
    }

    private let kernel: cl_kernel
    private let context: OpenCLContext
    private var arguments: [Argument] = []
    private let dimensions: cl_uint
    private let global: [Int]
    private let local: [Int]?
    let plan: LaunchPlan
    /// What the step must be planned with instead, where the kernel does not run as planned.
    let limits: KernelLimits?

    init(_ plan: LaunchPlan, kernel: cl_kernel, context: OpenCLContext) throws(OpenCLError) {
        (self.plan, self.kernel, self.context, global, local) = (plan, kernel, context, plan.global, plan.local)
        dimensions = cl_uint(plan.global.count)
        limits = context.limits(of: kernel, launchedAs: plan)
        for (index, kind) in plan.arguments.enumerated() {
            if let (bits, size) = Self.constant(kind) {
                try Self.set(kernel, cl_uint(index), bits, size)
            } else {
                arguments.append(Argument(index: cl_uint(index), kind: kind, byteCount: Self.byteCount(kind)))
            }
        }
    }

    deinit { _ = cl.pointee.clReleaseKernel(kernel) }

    var workspaceBytes: Int { plan.workspaceBytes }
    var sourceText: String { plan.source }
    var name: String { plan.entry }
    var work: Work? { plan.work }

    func enqueue(_ bindings: borrowing Bindings, workspace: cl_mem?, event: UnsafeMutablePointer<cl_event?>?) throws(OpenCLError) {
        for place in arguments.indices {
            let value = Self.value(arguments[place].kind, bindings, workspace)
            guard arguments[place].current != value else { continue }
            try Self.set(kernel, arguments[place].index, value, arguments[place].byteCount)
            arguments[place].current = value
        }
        try check(
            cl.pointee.clEnqueueNDRangeKernel(context.queue, kernel, dimensions, nil, global, local, 0, nil, event), "clEnqueueNDRangeKernel")
    }

    /// Whether the operands that the kernel accesses four elements at a time lie at multiples of four elements.
    func isAligned(_ bindings: borrowing Bindings) -> Bool {
        for argument in arguments {
            guard case .offset(_, _, _, _, mustBeAligned: true) = argument.kind else { continue }
            if Self.value(argument.kind, bindings, nil) % 4 != 0 { return false }
        }
        return true
    }

    private static func set(_ kernel: cl_kernel, _ index: cl_uint, _ bits: UInt64, _ byteCount: Int) throws(OpenCLError) {
        var bits = bits
        try check(cl.pointee.clSetKernelArg(kernel, index, byteCount, &bits), "clSetKernelArg")
    }

    private static func constant(_ argument: KernelArgument) -> (bits: UInt64, byteCount: Int)? {
        switch argument {
        case .int(let value): (UInt64(UInt32(bitPattern: value)), 4)
        case .uint(let value): (UInt64(value), 4)
        case .long(let value): (UInt64(bitPattern: Int64(value)), 8)
        case .constant(let scalar): (scalar.bits, scalar.dtype.byteCount)
        case .buffer, .offset, .scalar, .position, .workspace: nil
        }
    }

    private static func byteCount(_ argument: KernelArgument) -> Int {
        switch argument {
        case .buffer, .offset, .workspace, .long: 8
        case .scalar(_, let byteCount): byteCount
        case .position(_, _, let isWide): isWide ? 8 : 4
        case .int, .uint: 4
        case .constant(let scalar): scalar.dtype.byteCount
        }
    }

    /// An argument's bytes for these bindings.
    @inline(__always)
    private static func value(_ argument: KernelArgument, _ bindings: borrowing Bindings, _ workspace: cl_mem?) -> UInt64 {
        switch argument {
        case .buffer(let slot):
            return UInt64(UInt(bitPattern: buffer(bindings.buffers[slot].buffer).memory))
        case .offset(let slot, let elementSize, let known, let runtime, _):
            let slice = bindings.buffers[slot]
            let bytes = buffer(slice.buffer).offset + slice.byteOffset
            precondition(bytes % elementSize == 0, "an operand that does not begin at an element")
            return UInt64(bitPattern: Int64(bytes / elementSize + known + (runtime.map { bindings.offsets[$0] } ?? 0)))
        case .scalar(let place, _): return bindings.scalars[place]
        case .position(let known, let runtime, let isWide):
            let position = known + bindings.offsets[runtime]
            return isWide ? UInt64(bitPattern: Int64(position)) : UInt64(UInt32(bitPattern: Int32(position)))
        case .workspace: return UInt64(UInt(bitPattern: workspace))
        case .int, .uint, .long, .constant: return 0
        }
    }

    @inline(__always)
    static func buffer(_ buffer: Buffer) -> OpenCLBuffer {
        guard let buffer = buffer as? OpenCLBuffer else { programError("OpenCL", "a buffer of another device") }
        return buffer
    }
}
