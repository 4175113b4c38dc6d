import Soma

/// Repeated timings of the same work.
struct Measurement {
    /// Seconds of one call, for each repetition, in ascending order.
    let seconds: [Double]
    /// Seconds of the very first call, which may compile and load; not among the repetitions.
    let firstCall: Double
    /// Whether the work took so long that fewer than five repetitions were made.
    let isCapped: Bool

    init(seconds: [Double], firstCall: Double, isCapped: Bool = false) {
        (self.seconds, self.firstCall, self.isCapped) = (seconds.sorted(), firstCall, isCapped)
    }

    var median: Double { quantile(0.5) }
    var best: Double { seconds.first ?? .nan }
    /// The distance between the quartiles over the median.
    var spread: Double { (quantile(0.75) - quantile(0.25)) / median }

    /// A spread beyond which a median says little.
    static let wideSpread = 0.2

    /// Between the two neighbours where the place is no whole number.
    private func quantile(_ fraction: Double) -> Double {
        guard let last = seconds.last else { return .nan }
        let place = fraction * Double(seconds.count - 1)
        let lower = Int(place)
        guard lower + 1 < seconds.count else { return last }
        return seconds[lower] + (place - Double(lower)) * (seconds[lower + 1] - seconds[lower])
    }

    /// Times `work`: a first call, a warm-up, then 5 to 25 repetitions of at least 20 ms each, within about `budget` seconds.
    ///
    /// Where five repetitions would take longer than `limit` seconds there are fewer.
    static func of(_ work: () throws -> Void, budget: Double, limit: Double = 10) rethrows -> Measurement {
        let firstCall = try time(1, work)
        try work()
        let estimate = max(try time(1, work), 1e-7)
        let inner = max(1, Int((0.02 / estimate).rounded(.up)))
        let repetition = Double(inner) * estimate
        let wanted = min(25, max(5, Int(budget / repetition)))
        let isCapped = repetition * Double(wanted) > limit && wanted == 5
        let count = isCapped ? max(1, Int(limit / repetition)) : wanted
        let seconds = try (0..<count).map { _ in try time(inner, work) / Double(inner) }
        return Measurement(seconds: seconds, firstCall: firstCall, isCapped: isCapped)
    }

    /// Seconds that `count` calls take.
    static func time(_ count: Int, _ work: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        for _ in 0..<count { try work() }
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
