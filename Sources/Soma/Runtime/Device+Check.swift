import SomaBackend

extension Device {
    /// Compares the kernels of the device, of every kind, with what they must compute; what is wrong is done without from then on.
    ///
    /// Each kind is checked by itself on a few cases when a device and its driver first use it, unless `SOMA_CACHE` is empty, where nothing
    /// would be kept of it; this does all of it anew, on all cases.
    /// - Returns: `nil` for a device that others are compared with.
    /// - Throws: `BackendError`.
    public func checkKernels() throws -> [KernelCheck]? { try (executor.backend as? any CheckableBackend)?.checkKernels() }

    /// Gives drivers another try that have not answered when devices were looked for earlier, by any process of this user since the machine was
    /// started: such are passed over without a look. To be called before devices are listed.
    public static func retrySilentDrivers() { DeviceManager.forgetFailures() }
}
