import CPUBackend
import Glibc
import OpenCLBackend
import SomaBackend
import SomaGraph
import Synchronization

/// Knows every kind of backend and keeps one executor for each device in use. The only file that names a concrete backend.
enum DeviceManager {
    /// A kind of device: what there is of it, and how to start one. A further backend is one line in `families`.
    private struct Family: Sendable {
        /// The first part of the devices' names.
        var prefix: String
        /// Looked up when a device is listed or chosen, never before: it may load libraries.
        var list: @Sendable () -> [DeviceDescription]
        /// With `tellsTimes`, launches can be timed without waiting for each.
        var start: @Sendable (_ name: String, _ tellsTimes: Bool) throws -> any Backend
        /// What was looked for and what came of it, a line each.
        var diagnose: @Sendable () -> [String]
        /// What there is of choices that were measured on a device earlier.
        var tuning: @Sendable (_ name: String) -> TuningState? = { _ in nil }
        /// Forgets what is kept of drivers that failed.
        var forgetFailures: @Sendable () -> Void = {}
    }

    private static let families: [Family] = [
        Family(
            prefix: "cpu", list: { [CPUBackend.description] },
            start: { _, _ in
                let backend = CPUBackend(memoryLimit: memoryLimit)
                try backend.startThreads()
                return backend
            }, diagnose: CPUBackend.diagnosis),
        Family(
            prefix: "opencl", list: { OpenCLDevice.all.map(\.description) }, start: openCL, diagnose: OpenCLDevice.diagnosis,
            tuning: { name in OpenCLDevice.all.first { $0.name == name }.flatMap(OpenCLBackend.tuningState) },
            forgetFailures: OpenCLDevice.forgetSilentDrivers),
    ]

    private static func openCL(_ name: String, tellsTimes: Bool) throws -> any Backend {
        guard let device = OpenCLDevice.all.first(where: { $0.name == name }) else { throw SomaError("there is no device \(name)") }
        var options = OpenCLBackend.Options()
        (options.memoryLimit, options.isChecked) = (memoryLimit, true)
        (options.isIsolated, options.isProfiling) = (isIsolated, tellsTimes)
        if let record = tuningRecord, record.device == device.identity {
            do throws(TuningFailure) {
                options.tuning = try Tuning(record, on: device)
            } catch {
                throw SomaError("\(error.path) cannot be used on \(name): \(error.reason)")
            }
        }
        return try OpenCLBackend(device, options: options)
    }

    /// Whether every value gets memory of exactly its size, for checkers of memory.
    private static var isIsolated: Bool { getenv("SOMA_MEMORY").map { String(cString: $0) } == "isolated" }

    private struct Contents {
        var executors: [Executor] = []
        var tags: [String: DeviceTag] = [:]
    }

    private static let contents = Mutex(Contents())

    /// The most bytes of buffers on a device, if the user set one; applies to devices that start later.
    static var memoryLimit: Int? {
        get { limit.withLock { $0 } }
        set { limit.withLock { $0 = newValue } }
    }
    private static let limit = Mutex<Int?>(nil)

    /// Choices to be used on the device that they were measured on, in place of those kept there; applies to devices that start later.
    static var tuningRecord: TuningRecord? {
        get { record.withLock { $0 } }
        set { record.withLock { $0 = newValue } }
    }
    private static let record = Mutex<TuningRecord?>(nil)

    static func tuningState(of name: String) -> TuningState? { families.first { name.hasPrefix($0.prefix) }?.tuning(name) }

    static func executor(_ tag: DeviceTag) -> Executor { contents.withLock { $0.executors[Int(tag)] } }

    /// A device of this name once more, apart from the one that others know by it, and what it does can be watched.
    static func profiling(_ name: String) throws -> (Device, ProfilingBackend) {
        guard let family = families.first(where: { name == $0.prefix || name.hasPrefix($0.prefix + ":") }) else {
            throw SomaError("\(name) cannot be profiled")
        }
        let backend = ProfilingBackend(try family.start(name, true))
        return (register(backend, isNamed: false), backend)
    }

    /// Gives a backend a place among the devices.
    /// - Parameter isNamed: whether it is found by its name.
    static func register(_ backend: any Backend, isNamed: Bool = true) -> Device {
        contents.withLock { contents in
            let tag = DeviceTag(contents.executors.count)
            contents.executors.append(Executor(backend, tag: tag, isIsolated: isIsolated))
            if isNamed { contents.tags[backend.device.name] = tag }
            return Device(tag: tag)
        }
    }

    static func forgetFailures() { families.forEach { $0.forgetFailures() } }

    static var kinds: [String] { families.map(\.prefix) }

    static func diagnosis() -> [(kind: String, lines: [String])] { families.map { ($0.prefix, $0.diagnose()) } }

    static func descriptions() -> [DeviceDescription] {
        families.flatMap { $0.list() }.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    }

    /// A GPU is better than the CPU, and both than what must be named: of this a GPU comes first, and a CPU that poses as an OpenCL device last.
    static func rank(_ device: DeviceDescription) -> Int {
        let kind =
            switch device.kind {
            case .gpu: 0
            case .accelerator: 1
            case .cpu: 2
            case .recording: 3
            }
        return device.isByNameOnly ? 4 + kind : kind
    }

    static func device(named name: String) throws -> Device {
        if let tag = contents.withLock({ $0.tags[name] }) { return Device(tag: tag) }
        guard let family = families.first(where: { name == $0.prefix || name.hasPrefix($0.prefix + ":") }) else {
            throw SomaError("there is no device \(name)", hint: "devices here: \(names(descriptions()))")
        }
        let listed = family.list()
        let isPrefix = name == family.prefix && !listed.contains { $0.name == name }
        guard let device = listed.sorted(by: { rank($0) < rank($1) }).first(where: { isPrefix || $0.name == name }) else {
            throw SomaError("there is no device \(name)", hint: "devices here: \(names(descriptions())); `soma devices --diagnose` tells why")
        }
        if let tag = contents.withLock({ $0.tags[device.name] }) { return Device(tag: tag) }
        return register(try family.start(device.name, false))
    }

    private static func names(_ devices: [DeviceDescription]) -> String { devices.map(\.name).joined(separator: ", ") }

    static func defaultDevice() -> Device {
        if let name = getenv("SOMA_DEVICE").map({ String(cString: $0) }), !name.isEmpty {
            do { return try device(named: name) } catch { stop("SOMA_DEVICE=\(name): \(error)") }
        }
        for description in descriptions() where !description.isByNameOnly {
            do {
                return try device(named: description.name)
            } catch {
                say("soma: \(description.name) (\(description.model)) is passed over: \(error)")
            }
        }
        stop("no device can be started")
    }

    static func say(_ line: String) {
        _ = WholeWrite.write(line + "\n", to: STDERR_FILENO)
    }

    private static func stop(_ line: String) -> Never {
        say("soma: " + line)
        exit(1)
    }
}

extension Device {
    /// What runs this device's graphs.
    var executor: Executor { DeviceManager.executor(tag) }

    /// Caps the bytes of buffers on devices that start from now on; past the cap an allocation throws.
    public static func limitMemory(to byteCount: Int?) { DeviceManager.memoryLimit = byteCount }
}
