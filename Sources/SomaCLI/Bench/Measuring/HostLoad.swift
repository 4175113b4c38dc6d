import Glibc

/// How busy the host was with other things.
struct HostLoad: Hashable, Sendable {
    /// Processes that wanted to run, on average over the last minute.
    let average: Double
    /// The share of the processors' time that the machine below a virtual one kept for others; nil where nobody tells.
    var stolen: Double?

    /// The average of now.
    static var average: Double {
        var loads = [0.0]
        return getloadavg(&loads, 1) == 1 ? loads[0] : 0
    }

    /// Runs `body` and tells of the load meanwhile.
    static func during<Result>(_ body: () throws -> Result) rethrows -> (Result, HostLoad) {
        let before = ticks()
        let result = try body()
        return (result, HostLoad(average: average, stolen: share(from: before, to: ticks())))
    }

    /// The stolen and all ticks of the processors since the start of the machine.
    private typealias Ticks = (stolen: Double, all: Double)

    private static func share(from start: Ticks?, to end: Ticks?) -> Double? {
        guard let start, let end, end.all > start.all else { return nil }
        return (end.stolen - start.stolen) / (end.all - start.all)
    }

    /// From the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
    private static func ticks() -> Ticks? {
        guard let file = fopen("/proc/stat", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split { $0 == " " || $0 == "\n" }
        let numbers = words.dropFirst().prefix(8).compactMap { Double($0) }
        return numbers.count == 8 ? (numbers[7], numbers.reduce(0, +)) : nil
    }
}
