import Glibc

/// What the processor calls itself, from /proc/cpuinfo.
enum Processor {
    static var model: String { field("model name") ?? "CPU" }
    static var vendor: String { field("vendor_id") ?? "unknown" }

    private static func field(_ name: String) -> String? {
        guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].split(separator: "\t").first.map(String.init) == name else { continue }
            return String(parts[1].drop { $0 == " " }.prefix { $0 != "\n" })
        }
        return nil
    }
}
