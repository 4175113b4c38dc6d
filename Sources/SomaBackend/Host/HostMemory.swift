#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What memory this process can still get.
package enum HostMemory {
    /// Bytes by all that limits the process: the machine's free memory, that of its control group, and its own limit.
    package static var available: Int {
        let meminfo = { value($0, in: "/proc/meminfo") }
        let free = meminfo("MemAvailable:").map { ($0 + (meminfo("SwapFree:") ?? 0)) * 1024 }
        return min(free ?? .max, value(nil, in: "/sys/fs/cgroup/memory.max") ?? .max, addressSpace ?? .max)
    }

    /// What `ulimit -v` leaves; nil where it sets no limit.
    private static var addressSpace: Int? {
        addressLimit.map { max($0 - (value(nil, in: "/proc/self/statm") ?? 0) * sysconf(Int32(_SC_PAGESIZE)), 0) }
    }

    /// The bytes of addresses that `ulimit -v` allows the process; nil where it sets no limit.
    package static var addressLimit: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { return nil }
        return Int(exactly: limit.rlim_cur)
    }

    /// What keeps this process from more memory than others, in words; nil where nothing does but the machine.
    package static var limitInForce: String? { addressLimit.map { "ulimit -v allows this process \($0 >> 10) KiB of addresses" } }

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
