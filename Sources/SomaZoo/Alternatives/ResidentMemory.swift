import Glibc

/// The memory that the process holds, as Linux counts it.
enum ResidentMemory {
    /// Runs `body` and tells by how many bytes the process's resident memory rose above what it was before, at most; nil where the system does not
    /// tell. Memory that was free before is given back first, so that what `body` takes is new.
    static func measuringPeak<Result>(_ body: () throws -> Result) rethrows -> (result: Result, peak: Int?) {
        giveBackFreeMemory()
        let before = forgetPeak() ? bytes("VmRSS") : nil
        let result = try body()
        guard let before, let peak = bytes("VmHWM") else { return (result, nil) }
        return (result, max(0, peak - before))
    }

    /// malloc(3) keeps memory that was freed; `malloc_trim`, which glibc alone has, returns it to the system.
    private static func giveBackFreeMemory() {
        guard let function = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(function, to: (@convention(c) (Int) -> Int32).self)(0)
    }

    /// Lets the most that was ever resident be counted anew: proc(5), /proc/PID/clear_refs.
    private static func forgetPeak() -> Bool {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return false }
        let isWritten = fputs("5", file) >= 0
        return fclose(file) == 0 && isWritten
    }

    /// A line of /proc/self/status, which are in KiB.
    private static func bytes(_ name: String) -> Int? {
        guard let file = fopen("/proc/self/status", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("\(name):") else { continue }
            return Int(text.filter { $0.isASCII && $0.isNumber }).map { 1024 * $0 }
        }
        return nil
    }
}
