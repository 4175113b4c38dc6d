import Glibc

/// Repeated timings of one thing.
struct Timing {
    /// Seconds of the very first call, compiling included.
    var first: Double
    /// Seconds a call, sorted.
    var seconds: [Double]

    var median: Double { quantile(0.5) }
    var best: Double { seconds.first ?? .nan }
    /// The inter-quartile range over the median.
    var spread: Double { (quantile(0.75) - quantile(0.25)) / median }

    private func quantile(_ q: Double) -> Double {
        guard !seconds.isEmpty else { return .nan }
        let place = q * Double(seconds.count - 1)
        let (low, rest) = (Int(place), place - place.rounded(.down))
        return seconds[low] + rest * (seconds[min(low + 1, seconds.count - 1)] - seconds[low])
    }

    /// Calls `body` until it is warm, then 5 to 25 times, as many as fit `budget` seconds. Each repetition lasts at least 20 ms.
    static func measure(budget: Double, _ body: () throws -> Void) rethrows -> Timing {
        let first = try seconds(body)
        try body()
        let once = max(try seconds(body), 1e-9)
        let inner = max(1, Int((0.02 / once).rounded(.up)))
        let repetitions = Int(min(25, max(5, budget / (Double(inner) * once))))
        var timings: [Double] = []
        for _ in 0..<repetitions {
            timings.append(try seconds { for _ in 0..<inner { try body() } } / Double(inner))
        }
        return Timing(first: first, seconds: timings.sorted())
    }

    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = now()
        try body()
        return now() - start
    }

    /// Seconds of a clock that only moves forward.
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
