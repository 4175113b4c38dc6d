import CLibraries
import SomaBackend

/// A kernel of peaks.cl with its arguments and geometry.
final class PeakKernel {
    private let kernel: cl_kernel
    private let context: OpenCLContext
    private let global: [Int]
    private let local: [Int]?

    /// An argument: a buffer that begins where a chunk does, or a number.
    enum Argument {
        case buffer(OpenCLBuffer)
        case float(Float)
        case int(Int32)
        case long(Int64)
    }

    init(
        _ name: String, _ source: String, _ programs: OpenCLPrograms, _ context: OpenCLContext, _ geometry: (global: Int, local: Int?),
        _ arguments: [Argument]
    ) throws {
        kernel = try programs.kernel(name, source)
        let plan = LaunchPlan(entry: name, source: source, arguments: [], global: [geometry.global], local: geometry.local.map { [$0] })
        let limits = context.limits(of: kernel, launchedAs: plan)
        (self.context, global, local) = (context, plan.global, limits.map { [powerOfTwo(atMost: $0.groupSize)] } ?? plan.local)
        for (place, argument) in arguments.enumerated() { try set(place, argument) }
    }

    deinit { _ = cl.pointee.clReleaseKernel(kernel) }

    func set(_ place: Int, _ argument: Argument) throws(OpenCLError) {
        switch argument {
        case .buffer(let buffer): try set(place, buffer.memory)
        case .float(let value): try set(place, value)
        case .int(let value): try set(place, value)
        case .long(let value): try set(place, value)
        }
    }

    private func set<Value: BitwiseCopyable>(_ place: Int, _ value: Value) throws(OpenCLError) {
        var value = value
        try check(cl.pointee.clSetKernelArg(kernel, cl_uint(place), MemoryLayout<Value>.size, &value), "clSetKernelArg")
    }

    /// With the device's lock held.
    func enqueue() throws(OpenCLError) {
        try check(cl.pointee.clEnqueueNDRangeKernel(context.queue, kernel, 1, nil, global, local, 0, nil, nil), "clEnqueueNDRangeKernel")
    }
}
