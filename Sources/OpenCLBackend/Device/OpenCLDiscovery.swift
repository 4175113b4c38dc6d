import CLibraries

extension OpenCLDevice {
    /// What looking for devices found, and what went wrong on the way.
    struct Discovery: Sendable {
        var platforms: [OpenCLSurvey.Platform] = []
        var devices: [OpenCLDevice] = []
        var problems: [String] = []
        /// Drivers that end the process which looks at them or do not answer it, and how.
        var passedOver: [(driver: ICDFile, death: OpenCLSurvey.Death)] = []
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
        let drivers = ICDFile.installed(), silent = SilentDrivers.standard
        result.passedOver = drivers.compactMap { driver in silent.death(of: driver).map { (driver, $0) } }
        result.look(at: drivers.filter { driver in !result.passedOver.contains { $0.driver == driver } })
        for (driver, death) in result.passedOver {
            let isKept = death.isSilence && silent.note(driver, death)
            complain(
                "soma: the OpenCL driver \(driver.library) (\(driver.path)) is passed over: it \(death)"
                    + (isKept ? "; no process waits for it again until soma devices --check tries it" : ""))
        }
        return result
    }

    /// Makes the next process that looks for devices wait again for drivers that have not answered.
    public static func forgetSilentDrivers() { SilentDrivers.standard.forgetAll() }
}

extension OpenCLDevice.Discovery {
    /// Looks at drivers together and, where that comes to no end, at one after the other.
    fileprivate mutating func look(at drivers: [ICDFile]) {
        do throws(OpenCLSurvey.Death) {
            guard !passedOver.isEmpty else { return add(try OpenCLSurvey(waitingFor: drivers)) }
            used = drivers
            guard !drivers.isEmpty, let folder = VendorFolder(drivers) else { return }
            defer { folder.remove() }
            add(try OpenCLSurvey(vendors: folder.path, waitingFor: drivers))
        } catch {
            findCulprits(of: error, among: drivers)
        }
    }

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
    private mutating func findCulprits(of death: OpenCLSurvey.Death, among drivers: [ICDFile]) {
        used = []
        // Nobody waits twice for the only one.
        if death.isSilence && drivers.count == 1 { return passedOver.append((drivers[0], death)) }
        let before = passedOver.count
        var good: [ICDFile] = []
        var last: OpenCLSurvey?
        // Of two drivers that do not stand each other the later is passed over: PoCL, since the processor has a backend of its own.
        let isLast = { (driver: ICDFile) in driver.library.contains("pocl") }
        for driver in drivers.filter({ !isLast($0) }) + drivers.filter(isLast) {
            guard let folder = VendorFolder(good + [driver]) else { break }
            defer { folder.remove() }
            do throws(OpenCLSurvey.Death) {
                last = try OpenCLSurvey(vendors: folder.path, waitingFor: [driver], death.isSilence ? .second : .first)
                good.append(driver)
            } catch {
                passedOver.append((driver, error))
            }
        }
        // The loader itself, a layer of it, or a driver that it finds elsewhere.
        guard passedOver.count > before else { return problems.append("no driver is used: looking at them \(death)") }
        if let last { add(last) }
        used = good
    }
}
