import SomaBackend

extension Device {
    /// This device once more, to be used in its place: it does the same, and its backend takes down what happened when.
    /// - Throws: `BackendError` where it does not start a second time; `SomaError` for a device on a backend of one's own.
    public func profiling() throws -> (device: Device, backend: ProfilingBackend) { try DeviceManager.profiling(description) }
}
