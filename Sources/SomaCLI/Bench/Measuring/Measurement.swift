/// Repeated timings of the same work, and what they tell.
struct Measurement: Hashable, Sendable {
    /// Seconds of one call, for each repetition, in the order in which they were made.
    let samples: [Double]
    /// Seconds of the very first call, which may compile and load; not among the repetitions.
    let firstCall: Double
    /// Whether the work took so long that fewer than five repetitions were made.
    let isCapped: Bool
    private let ascending: [Double]

    init(samples: [Double], firstCall: Double = 0, isCapped: Bool = false) {
        (self.samples, self.firstCall, self.isCapped) = (samples, firstCall, isCapped)
        ascending = samples.sorted()
    }

    var median: Double { quantile(0.5) }
    var lowerQuartile: Double { quantile(0.25) }
    var upperQuartile: Double { quantile(0.75) }
    var best: Double { ascending.first ?? .nan }
    /// The distance between the quartiles over the median.
    var spread: Double { (upperQuartile - lowerQuartile) / median }
    var isWide: Bool { spread > Self.wideSpread }

    /// A spread beyond which a median says little.
    static let wideSpread = 0.1

    /// Between the two neighbours where the place is no whole number.
    private func quantile(_ fraction: Double) -> Double {
        guard let last = ascending.last else { return .nan }
        let place = fraction * Double(ascending.count - 1)
        let lower = Int(place)
        guard lower + 1 < ascending.count else { return last }
        return ascending[lower] + (place - Double(lower)) * (ascending[lower + 1] - ascending[lower])
    }
}

extension Measurement {
    /// How often `other` took the time that this took, repetition by repetition: above 1 where this is the faster one.
    func ratios(over other: Measurement) -> [Double] { zip(samples, other.samples).map { $1 / $0 } }
}
