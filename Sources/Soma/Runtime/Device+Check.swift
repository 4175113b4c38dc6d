import SomaBackend

extension Device {
    /// Compares the kernels of the device, of every kind, with what they must compute; what is wrong is done without from then on.
    ///
    /// Each kind is checked by itself when a device and its driver first use it; this does all of it anew.
    /// - Returns: `nil` for a device that others are compared with.
    /// - Throws: `BackendError`.
    public func checkKernels() throws -> [KernelCheck]? { try (executor.backend as? any CheckableBackend)?.checkKernels() }
}
