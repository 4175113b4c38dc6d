import Glibc
import SomaBackend

/// What memory this process can still get.
enum HostMemory {
    /// Bytes by all that limits the process: the machine's free memory, that of its control group, and its own limit.
    static var available: Int {
        let meminfo = { value($0, in: "/proc/meminfo") }
        let free = meminfo("MemAvailable:").map { ($0 + (meminfo("SwapFree:") ?? 0)) * 1024 }
        return min(free ?? .max, value(nil, in: "/sys/fs/cgroup/memory.max") ?? .max, addressSpace ?? .max)
    }

    /// What `ulimit -v` leaves; nil where it sets no limit.
    private static var addressSpace: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            let bytes = Int(exactly: limit.rlim_cur)
        else { return nil }
        return max(bytes - (value(nil, in: "/proc/self/statm") ?? 0) * sysconf(Int32(_SC_PAGESIZE)), 0)
    }

    /// The number behind `key`, or the first of the file.
    private static func value(_ key: String?, in path: String) -> Int? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let words = text.split { $0.isWhitespace }.map(String.init)
            if key == nil { return words.first.flatMap { Int($0) } }
            if words.count > 1, words[0] == key { return Int(words[1]) }
        }
        return nil
    }
}

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
