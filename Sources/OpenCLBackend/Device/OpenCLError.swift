import CLibraries
import SomaBackend

/// The functions of libOpenCL. Call them only after `OpenCLDevice.all` has found a device.
nonisolated(unsafe) let cl = libraries_opencl_table()

/// A call of OpenCL that failed.
public struct OpenCLError: Error, Equatable, CustomStringConvertible {
    /// The function of OpenCL that failed.
    public let function: String
    /// What it returned: a negative number that CL/cl.h names.
    public let code: Int32

    public var description: String { "\(function): \(Self.names[code] ?? "error") (\(code))" }

    /// Whether the device had no room, which a program survives.
    var isOutOfMemory: Bool { code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_INVALID_BUFFER_SIZE || code == CL_OUT_OF_HOST_MEMORY }

    /// Whether a launch was refused for its arguments or its extents, before anything ran.
    var isRefusal: Bool { (CL_INVALID_GLOBAL_OFFSET...CL_INVALID_ARG_INDEX).contains(code) }

    /// Whether a launch was refused for the size of its work-groups.
    var refusesGroup: Bool { code == CL_INVALID_WORK_GROUP_SIZE || code == CL_INVALID_WORK_ITEM_SIZE }

    private static let names: [Int32: String] = [
        CL_DEVICE_NOT_FOUND: "no device", CL_DEVICE_NOT_AVAILABLE: "device not available",
        CL_COMPILER_NOT_AVAILABLE: "no compiler", CL_MEM_OBJECT_ALLOCATION_FAILURE: "no memory on the device",
        CL_OUT_OF_RESOURCES: "out of resources", CL_OUT_OF_HOST_MEMORY: "no memory on the host",
        CL_BUILD_PROGRAM_FAILURE: "the program does not build", CL_INVALID_VALUE: "invalid value",
        CL_INVALID_COMMAND_QUEUE: "invalid command queue", CL_INVALID_BINARY: "invalid binary",
        CL_INVALID_KERNEL_NAME: "no such kernel", CL_INVALID_ARG_INDEX: "no such argument", CL_INVALID_ARG_SIZE: "wrong size of an argument",
        CL_INVALID_KERNEL_ARGS: "an argument is not set", CL_INVALID_WORK_GROUP_SIZE: "invalid work-group size",
        CL_INVALID_WORK_ITEM_SIZE: "invalid number of work-items",
        CL_INVALID_BUFFER_SIZE: "invalid size of a buffer", -1001: "no platform",
    ]
}

/// Throws unless an OpenCL call succeeded.
@inline(__always)
func check(_ code: cl_int, _ function: @autoclosure () -> String) throws(OpenCLError) {
    if code != CL_SUCCESS { throw OpenCLError(function: function(), code: code) }
}
