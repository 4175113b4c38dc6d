import CLibraries
import SomaBackend

/// A context on one device and its queue, which runs in order. Released with the last reference.
final class OpenCLContext: @unchecked Sendable {
    let device: OpenCLDevice
    /// The device, as its driver knows it.
    let id: cl_device_id
    let handle: cl_context
    let queue: cl_command_queue
    let isProfiling: Bool

    /// - Parameter isProfiling: whether events carry times; costs a little at each launch.
    init(_ device: OpenCLDevice, isProfiling: Bool) throws {
        (self.device, self.isProfiling, id) = (device, isProfiling, try OpenCLDrivers.handle(of: device))
        var code: cl_int = 0
        var id: cl_device_id? = id
        guard let handle = cl.pointee.clCreateContext(nil, 1, &id, nil, nil, &code) else {
            throw BackendError.deviceLost(device: device.name, reason: OpenCLError(function: "clCreateContext", code: code).description)
        }
        let properties = cl_command_queue_properties(isProfiling ? CL_QUEUE_PROFILING_ENABLE : 0)
        guard let queue = cl.pointee.clCreateCommandQueue(handle, self.id, properties, &code) else {
            _ = cl.pointee.clReleaseContext(handle)
            throw BackendError.deviceLost(device: device.name, reason: OpenCLError(function: "clCreateCommandQueue", code: code).description)
        }
        (self.handle, self.queue) = (handle, queue)
    }

    deinit {
        _ = cl.pointee.clFinish(queue)
        _ = cl.pointee.clReleaseCommandQueue(queue)
        _ = cl.pointee.clReleaseContext(handle)
    }

    /// Memory of the device, undefined.
    ///
    /// Drivers of GPUs put off making it exist; writing a byte makes a lack of memory show here and not at some later launch.
    func buffer(byteCount: Int, flags: Int32 = CL_MEM_READ_WRITE) throws(OpenCLError) -> cl_mem {
        var code: cl_int = 0
        guard let memory = cl.pointee.clCreateBuffer(handle, cl_mem_flags(flags), max(byteCount, 1), nil, &code) else {
            throw OpenCLError(function: "clCreateBuffer", code: code)
        }
        guard !device.isCPU else { return memory }
        var zero: UInt8 = 0
        let filled = cl.pointee.clEnqueueFillBuffer(queue, memory, &zero, 1, 0, 1, 0, nil, nil)
        if filled != CL_SUCCESS {
            _ = cl.pointee.clReleaseMemObject(memory)
            throw OpenCLError(function: "clEnqueueFillBuffer", code: filled)
        }
        return memory
    }
}
