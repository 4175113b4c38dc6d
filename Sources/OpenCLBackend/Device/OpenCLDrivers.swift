import CLibraries
import SomaBackend
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The drivers of this process. They are opened when a device is first used; to list devices it takes `OpenCLSurvey`.
enum OpenCLDrivers {
    /// What this process's loader lists: devices by their platforms, and what they say of themselves.
    private struct Listing: @unchecked Sendable {
        var devices: [[cl_device_id]]
        var facts: [[DeviceFacts]]
    }

    private static let hasToldOfOrder = Atomic(false)
    private static let opened = Result { try keepingSignalActions(open) }

    /// The handle of a device that was listed.
    ///
    /// It was looked at in another process, which may have seen the drivers in another order, or others: so it is told by what it says of itself.
    /// - Throws: `BackendError.deviceLost` where its driver does not open, or this process is shown other devices.
    static func handle(of device: OpenCLDevice) throws -> cl_device_id {
        do {
            let now = try opened.get()
            guard let place = place(of: device.place, listedAs: OpenCLDevice.discovery.facts, in: now.facts) else {
                let shown = now.facts.joined().map(\.description)
                throw BackendError.deviceLost(
                    device: device.name,
                    reason: "it was \(device.facts) when devices were listed, and now there is \(shown.isEmpty ? "no device" : shown.joined(separator: "; "))")
            }
            if place != device.place && !hasToldOfOrder.exchange(true, ordering: .relaxed) {
                complain("soma: OpenCL's drivers come in another order than when devices were listed: \(device.name) is the \(device.facts) that it was")
            }
            return now.devices[place.platform][place.device]
        } catch let error as OpenCLError {
            throw BackendError.deviceLost(device: device.name, reason: error.description)
        }
    }

    /// Where a device that was listed stands in a second list: of those that are like it, it has its turn, where there are as many as before. Where
    /// not, it is the one in its place, if that is like it.
    static func place<Facts: Equatable>(
        of place: (platform: Int, device: Int), listedAs listed: [[Facts]], in now: [[Facts]]
    ) -> (platform: Int, device: Int)? {
        let wanted = listed[place.platform][place.device]
        func alike(_ list: [[Facts]]) -> [(platform: Int, device: Int)] {
            list.enumerated().flatMap { platform, devices in devices.indices.filter { devices[$0] == wanted }.map { (platform, $0) } }
        }
        let (before, candidates) = (alike(listed), alike(now))
        if before.count == candidates.count, let turn = before.firstIndex(where: { $0 == place }) { return candidates[turn] }
        return candidates.first { $0 == place }
    }

    private static func open() throws(OpenCLError) -> Listing {
        let discovery = OpenCLDevice.discovery
        guard !discovery.passedOver.isEmpty else { return try list() }
        // The loader is shown the other drivers alone, once: it asks no second time.
        // Without the folder it would open the drivers that end the process as well.
        guard let folder = VendorFolder(discovery.used) else {
            throw OpenCLError(function: "making a folder for the drivers in TMPDIR", code: CL_DEVICE_NOT_AVAILABLE)
        }
        defer { folder.remove() }
        let environment = opencl_point_loader(folder.path)
        guard environment.during != nil else { throw OpenCLError(function: "showing the loader its drivers", code: CL_OUT_OF_HOST_MEMORY) }
        defer { environment_override_end(environment) }
        return try list()
    }

    private static func list() throws(OpenCLError) -> Listing {
        var result = Listing(devices: [], facts: [])
        for platform in try platforms() {
            let devices = try devices(of: platform)
            result.devices.append(devices)
            result.facts.append(devices.map { DeviceFacts($0, of: platform) })
        }
        return result
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

/// What a device and its driver say of themselves, by which one process knows a device again that another has listed.
struct DeviceFacts: Hashable, CustomStringConvertible {
    let platform, platformVersion, model, vendor, driver, version: String

    var description: String { "\(model) (\(platform), driver \(driver))" }
}

extension DeviceFacts {
    /// - Parameter device: by the names of libraries_opencl_survey.c.
    init(_ device: [String: String], on platform: OpenCLSurvey.Platform) {
        func text(_ key: String) -> String { device[key] ?? "" }
        self.init(
            platform: platform.name, platformVersion: platform.version, model: text("model"), vendor: text("vendor"), driver: text("driver"),
            version: text("version"))
    }

    fileprivate init(_ device: cl_device_id, of platform: cl_platform_id?) {
        func ofPlatform(_ key: Int32) -> String { Self.text { cl.pointee.clGetPlatformInfo(platform, cl_platform_info(key), $0, $1, $2) } }
        func ofDevice(_ key: Int32) -> String { Self.text { cl.pointee.clGetDeviceInfo(device, cl_device_info(key), $0, $1, $2) } }
        self.init(
            platform: ofPlatform(CL_PLATFORM_NAME), platformVersion: ofPlatform(CL_PLATFORM_VERSION), model: ofDevice(CL_DEVICE_NAME),
            vendor: ofDevice(CL_DEVICE_VENDOR), driver: ofDevice(CL_DRIVER_VERSION), version: ofDevice(CL_DEVICE_VERSION))
    }

    /// A text that OpenCL hands out in two calls, its size first, as the survey writes it down; empty where it has none.
    private static func text(_ ask: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int) -> String {
        var size = 0
        guard ask(0, nil, &size) == CL_SUCCESS, size > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard ask(size, &bytes, nil) == CL_SUCCESS else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self).trimmingSpaces()
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
