import Soma

/// Work whose data are ready.
struct PreparedWork {
    /// Does the work once, or asks the device for it.
    let call: () throws -> Void
    /// Returns when all that was asked for is done.
    var finish: () throws -> Void = {}
    /// What a call cannot do without, where only its compiled program tells; asked after the first call.
    var work: (() -> Work)?
}

/// Times prepared work, a sample at a time, so that several devices can take turns.
struct Stopwatch {
    let firstCall: Double
    /// How many samples to take.
    let sampleCount: Int
    /// Whether that is fewer than five, because they would take too long.
    let isCapped: Bool
    private let work: PreparedWork
    private let callsPerSample: Int
    private let now: () -> Double

    /// Makes a first call and a warm-up, and from a third reckons what a sample is: as many calls as take 20 ms. There are to be 5 to 25 samples, as
    /// many as `budget` seconds allow; where five would take longer than `limit` seconds there are fewer.
    /// - Parameter now: the seconds of a clock.
    init(_ work: PreparedWork, budget: Double, limit: Double = 10, now: @escaping () -> Double = Self.clock) throws {
        (self.work, self.now) = (work, now)
        firstCall = try Self.seconds(work, 1, now)
        _ = try Self.seconds(work, 1, now)
        let estimate = max(try Self.seconds(work, 1, now), 1e-7)
        callsPerSample = max(1, Int((0.02 / estimate).rounded(.up)))
        let sample = Double(callsPerSample) * estimate
        let wanted = Int(min(25, max(5, budget / sample)))
        isCapped = sample * Double(wanted) > limit && wanted == 5
        sampleCount = isCapped ? max(1, Int(limit / sample)) : wanted
    }

    /// Seconds of one call, the mean over those of a sample.
    func sample() throws -> Double { try Self.seconds(work, callsPerSample, now) / Double(callsPerSample) }

    /// All samples.
    func run() throws -> Measurement { measurement(try (0..<sampleCount).map { _ in try sample() }) }

    /// Of samples of this watch, of which there may be fewer than it asked for.
    func measurement(_ samples: [Double]) -> Measurement {
        Measurement(samples: samples, firstCall: firstCall, isCapped: isCapped || samples.count < 5)
    }

    private static func seconds(_ work: PreparedWork, _ calls: Int, _ now: () -> Double) throws -> Double {
        let start = now()
        for _ in 0..<calls { try work.call() }
        try work.finish()
        return now() - start
    }

    private static let beginning = ContinuousClock.now

    static func clock() -> Double { (ContinuousClock.now - beginning) / .seconds(1) }
}
