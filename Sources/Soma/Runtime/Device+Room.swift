import CLibraries
import SomaBackend

extension Device {
    /// Checks that this many bytes can be had before any are asked for: a plan that cannot work should fail at once, and
    /// the host's own arrays end the process where there is no memory for them.
    /// - Parameters:
    ///   - byteCount: bytes of buffers on the device.
    ///   - hostByteCount: bytes that the host needs beside them.
    /// - Throws: `BackendError.outOfMemory`.
    public func checkRoom(for byteCount: Int, onHost hostByteCount: Int = 0) throws {
        let capacity = min(deviceDescription.memoryBytes, DeviceManager.memoryLimit ?? .max)
        try Self.check(byteCount, capacity - memory.live, "\(self)")
        // The buffers of a processor are the host's memory too.
        let onHost = hostByteCount + (deviceDescription.kind == .cpu ? byteCount : 0)
        try Self.check(onHost, HostMemory.available, "host")
    }

    private static func check(_ byteCount: Int, _ available: Int, _ name: String) throws {
        if byteCount > available {
            throw BackendError.outOfMemory(requested: byteCount, available: max(available, 0), device: name)
        }
    }
}

extension Device {
    /// From now on an exception that a library lets out in a thread of its own, as where it has no memory, ends the process with one line and
    /// status 1, and not with a backtrace. For a command; a program that handles such exceptions itself does without.
    public static func endInWords() { library_end_in_words() }
}
