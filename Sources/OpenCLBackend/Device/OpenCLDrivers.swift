import CLibraries
import SomaBackend

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The drivers of this process. They are opened when a device is first used; to list devices it takes `OpenCLSurvey`.
enum OpenCLDrivers {
    private struct Platforms: @unchecked Sendable { var devices: [[cl_device_id]] }

    private static let opened = Result { try keepingSignalActions(open) }

    /// The handle of a device that was listed.
    /// - Throws: `BackendError.deviceLost` where its driver does not open, or shows something else than it did.
    static func handle(of device: OpenCLDevice) throws -> cl_device_id {
        do {
            let platforms = try opened.get().devices
            guard platforms.indices.contains(device.place.platform), platforms[device.place.platform].indices.contains(device.place.device) else {
                throw BackendError.deviceLost(device: device.name, reason: "its driver no longer shows it")
            }
            return platforms[device.place.platform][device.place.device]
        } catch let error as OpenCLError {
            throw BackendError.deviceLost(device: device.name, reason: error.description)
        }
    }

    private static func open() throws(OpenCLError) -> Platforms {
        let discovery = OpenCLDevice.discovery
        guard !discovery.passedOver.isEmpty else { return Platforms(devices: try platforms().map { platform throws(OpenCLError) in try devices(of: platform) }) }
        // The loader is shown the other drivers alone, once: it asks no second time.
        let names = ["OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH", "OCL_ICD_FILENAMES"]
        let before = names.map { ($0, environmentVariable($0)) }
        // Without the folder the loader would open the drivers that end the process as well.
        guard let folder = VendorFolder(discovery.used) else { throw OpenCLError(function: "making a folder for the drivers in TMPDIR", code: CL_DEVICE_NOT_AVAILABLE) }
        defer {
            for (name, value) in before { if let value { setenv(name, value, 1) } else { unsetenv(name) } }
            folder.remove()
        }
        opencl_point_loader(folder.path)
        return Platforms(devices: try platforms().map { platform throws(OpenCLError) in try devices(of: platform) })
    }

    private static func platforms() throws(OpenCLError) -> [cl_platform_id?] {
        var count: cl_uint = 0
        let code = cl.pointee.clGetPlatformIDs(0, nil, &count)
        // The loader's way to say that no driver is installed.
        if code == -1001 || code == CL_SUCCESS && count == 0 { return [] }
        try check(code, "clGetPlatformIDs")
        var ids = [cl_platform_id?](repeating: nil, count: Int(count))
        try check(cl.pointee.clGetPlatformIDs(count, &ids, nil), "clGetPlatformIDs")
        return ids
    }

    /// None where they cannot be had, as the survey told by then.
    private static func devices(of platform: cl_platform_id?) throws(OpenCLError) -> [cl_device_id] {
        let all = cl_device_type(CL_DEVICE_TYPE_ALL)
        var count: cl_uint = 0
        guard cl.pointee.clGetDeviceIDs(platform, all, 0, nil, &count) == CL_SUCCESS, count > 0 else { return [] }
        var ids = [cl_device_id?](repeating: nil, count: Int(count))
        try check(cl.pointee.clGetDeviceIDs(platform, all, count, &ids, nil), "clGetDeviceIDs")
        return ids.compactMap(\.self)
    }
}

/// A folder of ICD files made for a loader that is to see some of the drivers alone.
struct VendorFolder {
    let path: String
    private let files: [String]

    /// `nil` where the folder or one of its files cannot be made.
    init?(_ drivers: [ICDFile]) {
        var template = Array("\(environmentVariable("TMPDIR") ?? "/tmp")/soma-drivers-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        var files: [String] = []
        for (number, driver) in drivers.enumerated() {
            let file = "\(path)/\(number < 10 ? "0" : "")\(number).icd"
            files.append(file)
            guard (try? WholeFile(path: file).write(Array((driver.library + "\n").utf8), isSynced: false)) != nil else {
                Self.remove(path, files)
                return nil
            }
        }
        self.files = files
    }

    func remove() { Self.remove(path, files) }

    private static func remove(_ path: String, _ files: [String]) {
        for file in files { unlink(file) }
        rmdir(path)
    }
}
