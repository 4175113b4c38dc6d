import CLibraries
import SomaBackend

/// A device of some OpenCL platform, and what it says about itself.
public struct OpenCLDevice: Sendable {
    /// As `--device` takes it. Devices are numbered over all platforms in the order in which the loader lists them.
    public let name: String
    /// The device's own name.
    public let model: String
    /// Who made the device, as its driver says.
    public let vendor: String
    /// A processor, a GPU or an accelerator; what says that it is several is a processor first, then a GPU.
    public let kind: DeviceDescription.Kind
    /// Bytes of global memory.
    public let memoryBytes: Int
    /// The largest single allocation the device promises; many grant more.
    public let maximumAllocationBytes: Int
    /// Bytes of local memory that a work-group may have.
    public let localMemoryBytes: Int
    /// Compute units, at least 1.
    public let computeUnits: Int
    /// Work-items of the largest work-group that a line of work-items may be cut into.
    public let maximumWorkGroupSize: Int
    /// Whether it says that a multiplication and an addition can be rounded once.
    public let hasFMA: Bool
    /// Whether it has the full profile of OpenCL, and not the embedded one.
    public let isFullProfile: Bool
    /// Whether what a work-group shares lies in ordinary memory.
    public let hasGlobalLocalMemory: Bool
    /// The version of the driver.
    public let driver: String
    /// The version of OpenCL that the device has, `OpenCL 3.0 …`.
    public let version: String
    /// The name of its platform.
    public let platform: String
    /// The version of OpenCL that its platform has.
    public let platformVersion: String
    /// Names of the extensions that it has, such as `cl_khr_fp16`.
    public let extensions: Set<String>

    /// The numbers of its platform and of itself on it.
    let place: (platform: Int, device: Int)
    /// Why it cannot be used, if it cannot.
    let problem: String?

    /// What it was listed as.
    var facts: DeviceFacts {
        DeviceFacts(platform: platform, platformVersion: platformVersion, model: model, vendor: vendor, driver: driver, version: version)
    }

    /// Whether it runs on the processor, in its memory.
    public var isCPU: Bool { kind == .cpu }
    var isNVIDIA: Bool { extensions.contains("cl_nv_device_attribute_query") }

    /// What a backend on it calls itself. Only a GPU of the full profile is chosen without being named.
    public var description: DeviceDescription {
        DeviceDescription(
            name: name, model: model + kernelRemark, vendor: vendor, kind: kind, memoryBytes: memoryBytes, computeUnits: computeUnits, driver: driver,
            isByNameOnly: kind != .gpu || !isFullProfile)
    }
}

extension OpenCLDevice {
    /// - Parameter facts: by the names of libraries_opencl_survey.c.
    init(_ facts: [String: String], on platform: OpenCLSurvey.Platform, at place: (platform: Int, device: Int), number: Int) {
        func text(_ key: String) -> String { facts[key] ?? "" }
        func number64(_ key: String) -> Int { Int(clamping: UInt64(text(key)) ?? 0) }
        let type = number64("type")
        name = "opencl:\(number)"
        (model, vendor, driver, version) = (text("model"), text("vendor"), text("driver"), text("version"))
        (self.platform, platformVersion, self.place) = (platform.name, platform.version, place)
        // A device may say that it is several things at once: what is a processor too is no GPU.
        kind = type & Int(CL_DEVICE_TYPE_CPU) != 0 ? .cpu : type & Int(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : .accelerator
        (memoryBytes, maximumAllocationBytes, localMemoryBytes) = (number64("memory"), number64("allocation"), number64("local"))
        computeUnits = max(1, number64("units"))
        maximumWorkGroupSize = max(1, [number64("group"), number64("items")].filter { $0 > 0 }.min() ?? 1)
        hasFMA = number64("fp-config") & Int(CL_FP_FMA) != 0
        isFullProfile = text("profile") != "EMBEDDED_PROFILE"
        hasGlobalLocalMemory = number64("local-type") == Int(CL_GLOBAL)
        extensions = Set(text("extensions").split(separator: " ").map(String.init))
        problem = number64("is-available") == 0 ? "the device is not available" : number64("has-compiler") == 0 ? "its driver has no compiler" : nil
    }
}

extension String {
    func trimmingSpaces() -> String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace || $0 == "\0" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
