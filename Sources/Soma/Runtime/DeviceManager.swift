import CPUBackend
import OpenCLBackend
import SomaBackend
import SomaGraph
import Synchronization

/// Knows every backend by name and keeps one executor for each device in use. The only file that names a concrete backend.
enum DeviceManager {
    private struct Contents {
        var executors: [Executor] = []
        var tags: [String: DeviceTag] = [:]
    }

    private static let contents = Mutex(Contents())

    /// Gives a backend a place among the devices.
    static func register(_ backend: any Backend, isIsolated: Bool = false) -> Device {
        contents.withLock { contents in
            let tag = DeviceTag(contents.executors.count)
            contents.executors.append(Executor(backend, tag: tag, isIsolated: isIsolated))
            contents.tags[backend.device.name] = tag
            return Device(tag: tag)
        }
    }

    static func executor(_ tag: DeviceTag) -> Executor { contents.withLock { $0.executors[Int(tag)] } }

    /// The device that is in use under `name`, if any.
    static func inUse(_ name: String) -> Device? { contents.withLock { $0.tags[name].map(Device.init(tag:)) } }
}

extension Device {
    /// What runs this device's graphs.
    var executor: Executor { DeviceManager.executor(tag) }

    /// A device that runs on a backend of one's own.
    public init(running backend: any Backend) { self = DeviceManager.register(backend) }

    /// What the device calls itself.
    public var deviceDescription: DeviceDescription { executor.backend.device }

    /// Bytes of device memory in use, and the most that ever were.
    public var memory: MemoryUse { executor.backend.memory }

    /// Waits until everything the device was asked for is done.
    /// - Throws: `BackendError`.
    public func synchronize() throws { try executor.backend.synchronize() }

    /// Computes `results` and the pending version of every state on this device, as one program.
    ///
    /// Afterwards no gradient can be taken through `results`: the graph below them is released.
    /// - Throws: `BackendError`; the states keep their versions of before.
    public func update(_ results: [Tensor] = []) throws { try executor.update(results.map(\.node)) }
}

extension Device: CustomStringConvertible {
    public var description: String { deviceDescription.name }
}

extension Device {
    /// A device that runs nothing and counts; see `RecordingBackend`.
    public static func recording() -> Device { Device(running: RecordingBackend()) }
}
