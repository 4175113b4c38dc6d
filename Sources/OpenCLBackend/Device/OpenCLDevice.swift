import CLibraries
import SomaBackend

/// A device of some OpenCL platform, and what it says about itself.
public struct OpenCLDevice: @unchecked Sendable {
    /// As `--device` takes it. Devices are numbered over all platforms in the order in which the loader lists them.
    public let name: String
    public let model: String
    public let vendor: String
    public let kind: DeviceDescription.Kind
    public let memoryBytes: Int
    /// The largest single allocation the device promises; many grant more.
    public let maximumAllocationBytes: Int
    public let localMemoryBytes: Int
    public let computeUnits: Int
    /// Work-items of the largest work-group that a line of work-items may be cut into.
    public let maximumWorkGroupSize: Int
    /// Whether it says that a multiplication and an addition can be rounded once.
    public let hasFMA: Bool
    /// Whether it has the full profile of OpenCL, and not the embedded one.
    public let isFullProfile: Bool
    /// Whether what a work-group shares lies in ordinary memory.
    public let hasGlobalLocalMemory: Bool
    public let driver: String
    public let version: String
    public let platform: String
    public let platformVersion: String
    public let extensions: Set<String>

    let id: cl_device_id

    /// Whether it runs on the processor, in its memory.
    public var isCPU: Bool { kind == .cpu }
    var isNVIDIA: Bool { extensions.contains("cl_nv_device_attribute_query") }

    /// Whether the kernels for processors suit it: what runs on one, emulates another device on one, or promises less than the others need.
    public var usesCPUKernels: Bool { isCPU || !isFullProfile || kind == .accelerator && hasGlobalLocalMemory }

    public var description: DeviceDescription {
        DeviceDescription(
            name: name, model: model, vendor: vendor, kind: kind, memoryBytes: memoryBytes, computeUnits: computeUnits, driver: driver,
            isByNameOnly: kind != .gpu || !isFullProfile)
    }
}

extension OpenCLDevice {
    /// What looking for devices found, and what went wrong on the way.
    struct Discovery: Sendable {
        var platforms: [String] = []
        var devices: [OpenCLDevice] = []
        var problems: [String] = []
    }

    /// Every device of every platform; empty where there is no libOpenCL or no platform. Looks once, at the first call.
    public static var all: [OpenCLDevice] { discovery.devices }

    static let discovery = discover()

    private static func discover() -> Discovery {
        var result = Discovery()
        guard cl.pointee.search.found else { return result }
        do {
            for platform in try platforms() {
                let name = string(CL_PLATFORM_NAME) { cl.pointee.clGetPlatformInfo(platform, $0, $1, $2, $3) }
                result.platforms.append(name)
                do {
                    for id in try devices(of: platform) {
                        result.devices.append(try OpenCLDevice(id, on: platform, number: result.devices.count))
                    }
                } catch {
                    result.problems.append("\(name): \(error)")
                }
            }
        } catch {
            result.problems.append("\(error)")
        }
        return result
    }

    private static func platforms() throws(OpenCLError) -> [cl_platform_id?] {
        var count: cl_uint = 0
        let code = cl.pointee.clGetPlatformIDs(0, nil, &count)
        // The loader's way to say that no driver is installed.
        if code == -1001 || count == 0 { return [] }
        try check(code, "clGetPlatformIDs")
        var ids = [cl_platform_id?](repeating: nil, count: Int(count))
        try check(cl.pointee.clGetPlatformIDs(count, &ids, nil), "clGetPlatformIDs")
        return ids
    }

    private static func devices(of platform: cl_platform_id?) throws(OpenCLError) -> [cl_device_id] {
        let all = cl_device_type(CL_DEVICE_TYPE_ALL)
        var count: cl_uint = 0
        let code = cl.pointee.clGetDeviceIDs(platform, all, 0, nil, &count)
        if code == CL_DEVICE_NOT_FOUND || count == 0 { return [] }
        try check(code, "clGetDeviceIDs")
        var ids = [cl_device_id?](repeating: nil, count: Int(count))
        try check(cl.pointee.clGetDeviceIDs(platform, all, count, &ids, nil), "clGetDeviceIDs")
        return ids.compactMap(\.self)
    }

    private init(_ id: cl_device_id, on platform: cl_platform_id?, number: Int) throws(OpenCLError) {
        func text(_ key: Int32) -> String { Self.string(key) { cl.pointee.clGetDeviceInfo(id, $0, $1, $2, $3) } }
        func number64(_ key: Int32) throws(OpenCLError) -> Int {
            var value: UInt64 = 0
            try check(cl.pointee.clGetDeviceInfo(id, cl_device_info(key), 8, &value, nil), "clGetDeviceInfo")
            return Int(clamping: value)
        }
        func number32(_ key: Int32) throws(OpenCLError) -> Int {
            var value: UInt32 = 0
            try check(cl.pointee.clGetDeviceInfo(id, cl_device_info(key), 4, &value, nil), "clGetDeviceInfo")
            return Int(value)
        }
        let type = try number64(CL_DEVICE_TYPE)
        self.id = id
        name = "opencl:\(number)"
        model = text(CL_DEVICE_NAME)
        vendor = text(CL_DEVICE_VENDOR)
        // A device may say that it is several things at once: what is a processor too is no GPU.
        kind = type & Int(CL_DEVICE_TYPE_CPU) != 0 ? .cpu : type & Int(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : .accelerator
        memoryBytes = try number64(CL_DEVICE_GLOBAL_MEM_SIZE)
        maximumAllocationBytes = try number64(CL_DEVICE_MAX_MEM_ALLOC_SIZE)
        localMemoryBytes = try number64(CL_DEVICE_LOCAL_MEM_SIZE)
        computeUnits = try number32(CL_DEVICE_MAX_COMPUTE_UNITS)
        let dimensions = try number32(CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS)
        var items = [Int](repeating: 0, count: max(dimensions, 1))
        try check(cl.pointee.clGetDeviceInfo(id, cl_device_info(CL_DEVICE_MAX_WORK_ITEM_SIZES), 8 * items.count, &items, nil), "clGetDeviceInfo")
        maximumWorkGroupSize = max(1, min(try number64(CL_DEVICE_MAX_WORK_GROUP_SIZE), items[0]))
        hasFMA = try number64(CL_DEVICE_SINGLE_FP_CONFIG) & Int(CL_FP_FMA) != 0
        isFullProfile = text(CL_DEVICE_PROFILE) != "EMBEDDED_PROFILE"
        hasGlobalLocalMemory = try number32(CL_DEVICE_LOCAL_MEM_TYPE) == Int(CL_GLOBAL)
        driver = text(CL_DRIVER_VERSION)
        version = text(CL_DEVICE_VERSION)
        self.platform = Self.string(CL_PLATFORM_NAME) { cl.pointee.clGetPlatformInfo(platform, $0, $1, $2, $3) }
        platformVersion = Self.string(CL_PLATFORM_VERSION) { cl.pointee.clGetPlatformInfo(platform, $0, $1, $2, $3) }
        extensions = Set(text(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init))
    }

    /// A text that OpenCL hands out in two calls, its size first; empty where it has none.
    private static func string(
        _ key: Int32, _ query: (cl_uint, Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
    ) -> String {
        var size = 0
        guard query(cl_uint(key), 0, nil, &size) == CL_SUCCESS, size > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard query(cl_uint(key), size, &bytes, nil) == CL_SUCCESS else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingSpaces()
    }
}

extension String {
    func trimmingSpaces() -> String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace || $0 == "\0" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
