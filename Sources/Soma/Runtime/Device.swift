import SomaGraph

/// Where tensors live and operations run, by the name `--device` takes (`cpu`, `opencl:0`).
public struct Device: Hashable, Sendable {
    /// The graph's opaque name of the device.
    package let tag: DeviceTag

    init(tag: DeviceTag) { self.tag = tag }

    @TaskLocal private static var chosen: Device?

    /// The device on which tensors are made unless one is named: that of the innermost `withDevice`, else the default.
    public static var current: Device { chosen ?? Device(tag: 0) }

    static func choosing<Result>(_ device: Device, _ body: () throws -> Result) rethrows -> Result {
        try $chosen.withValue(device, operation: body)
    }
}

/// Runs `body` with `device` as the device on which tensors are made.
public func withDevice<Result>(_ device: Device, _ body: () throws -> Result) rethrows -> Result {
    try Device.choosing(device, body)
}
