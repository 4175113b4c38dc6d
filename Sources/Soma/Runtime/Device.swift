import SomaBackend
import SomaGraph

/// Where tensors live and operations run, by the name `--device` takes (`cpu`, `opencl:0`).
public struct Device: Hashable, Sendable {
    /// The graph's opaque name of the device.
    package let tag: DeviceTag

    init(tag: DeviceTag) { self.tag = tag }

    @TaskLocal private static var chosen: Device?

    /// The device on which tensors are made unless one is named: that of the innermost `withDevice`, else the default.
    public static var current: Device { chosen ?? .default }

    /// What `withDevice` has chosen, if anything.
    static var said: Device? { chosen }

    static func choosing<Result>(_ device: Device, _ body: () throws -> Result) rethrows -> Result {
        try $chosen.withValue(device, operation: body)
    }
}

/// Runs `body` with `device` as the device on which tensors are made.
@discardableResult
public func withDevice<Result>(_ device: Device, _ body: () throws -> Result) rethrows -> Result {
    try Device.choosing(device, body)
}

extension Device {
    /// The device called `name`: `cpu`, `opencl:0`, or `opencl` for the best of these.
    /// - Throws: `SomaError` that says what is wrong with it and which devices there are.
    public static func named(_ name: String) throws -> Device { try DeviceManager.device(named: name) }

    /// The device that the environment variable `SOMA_DEVICE` names, else the best there is: a GPU, else the CPU.
    ///
    /// A device of its own choice that fails is passed over with one line on standard error; one that was named and fails ends the process.
    public static let `default`: Device = DeviceManager.defaultDevice()

    /// Every device of this machine, the best first.
    public static func all() -> [DeviceDescription] { DeviceManager.descriptions() }

    /// The kinds of devices that there are backends for: each a name that `named` takes, or the part of one before its colon.
    public static var kinds: [String] { DeviceManager.kinds }

    /// For each kind of device, the libraries and driver files that were looked for, what came of it, and what to do: a line each.
    public static func diagnosis() -> [(kind: String, lines: [String])] { DeviceManager.diagnosis() }

    /// A device that runs on a backend of one's own.
    public init(running backend: any Backend) { self = DeviceManager.register(backend) }

    /// A device that runs nothing and counts; see `RecordingBackend`.
    public static func recording() -> Device { Device(running: RecordingBackend()) }

    /// What the device calls itself.
    public var deviceDescription: DeviceDescription { executor.backend.device }

    /// Bytes of device memory in use, and the most that ever were.
    public var memory: MemoryUse { executor.backend.memory }

    /// Counts the most bytes that ever were in use anew, from those that are now.
    public func forgetMemoryPeak() { executor.backend.forgetPeak() }

    /// Waits until everything the device was asked for is done.
    /// - Throws: `BackendError`.
    public func synchronize() throws { try executor.backend.synchronize() }

    /// Runs `body`, which a profile of the device is to show as this phase of the program.
    package func noting<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result { try executor.backend.noting(phase, body) }

    /// Computes `results` and the pending version of every state on this device that this thread has assigned, as one program.
    ///
    /// Afterwards no gradient can be taken through `results`: the graph below them is released.
    /// - Throws: `BackendError`; the states keep their versions of before.
    public func update(_ results: [Tensor] = []) throws { try executor.update(results.map(\.node)) }
}

extension Device: CustomStringConvertible {
    /// The name that `--device` takes.
    public var description: String { deviceDescription.name }
}
