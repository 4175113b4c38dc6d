import CLibraries

extension OpenCLDevice {
    /// What looking for devices found, and what went wrong on the way.
    struct Discovery: Sendable {
        var platforms: [OpenCLSurvey.Platform] = []
        var devices: [OpenCLDevice] = []
        var problems: [String] = []
        /// Drivers that end the process which looks at them, and how.
        var passedOver: [(driver: ICDFile, death: String)] = []
        /// The others, in the order in which the platforms above were found.
        var used: [ICDFile] = []

        /// What the devices of each platform say of themselves, those too that cannot be used.
        var facts: [[DeviceFacts]] { platforms.map { platform in platform.devices.map { DeviceFacts($0, on: platform) } } }
    }

    /// Every device of every platform; empty where there is no libOpenCL or no platform. Looks once, at the first call.
    public static var all: [OpenCLDevice] { discovery.devices }

    static let discovery = discover()

    private static func discover() -> Discovery {
        var result = Discovery()
        guard cl.pointee.search.found else { return result }
        do throws(OpenCLSurvey.Death) {
            result.add(try OpenCLSurvey())
        } catch {
            result.findCulprits(of: error)
        }
        for (driver, death) in result.passedOver { complain("soma: the OpenCL driver \(driver.library) (\(driver.path)) is passed over: it \(death)") }
        return result
    }
}

extension OpenCLDevice.Discovery {
    fileprivate mutating func add(_ survey: OpenCLSurvey) {
        (platforms, problems) = (survey.platforms, problems + survey.problems)
        for (number, platform) in survey.platforms.enumerated() {
            for (place, facts) in platform.devices.enumerated() {
                let device = OpenCLDevice(facts, on: platform, at: (number, place), number: devices.count)
                if let problem = device.problem { problems.append("\(platform.name): \(device.model): \(problem)") } else { devices.append(device) }
            }
        }
    }

    /// Adds one driver after the other to those that are looked at together; one with which a child process comes to no end is passed over.
    fileprivate mutating func findCulprits(of death: OpenCLSurvey.Death) {
        var good: [ICDFile] = []
        var last: OpenCLSurvey?
        // Of two drivers that do not stand each other the later is passed over: PoCL, since the processor has a backend of its own.
        let drivers = ICDFile.installed(), isLast = { (driver: ICDFile) in driver.library.contains("pocl") }
        for driver in drivers.filter({ !isLast($0) }) + drivers.filter(isLast) {
            guard let folder = VendorFolder(good + [driver]) else { break }
            defer { folder.remove() }
            do throws(OpenCLSurvey.Death) {
                last = try OpenCLSurvey(vendors: folder.path)
                good.append(driver)
            } catch {
                passedOver.append((driver, error.description))
            }
        }
        // The loader itself, a layer of it, or a driver that it finds elsewhere.
        guard !passedOver.isEmpty else { return problems.append("no driver is used: looking at them \(death)") }
        if let last { add(last) }
        used = good
    }
}
