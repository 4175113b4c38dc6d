/// Measures how fast training goes, without the first step and without evaluations: by what the device has done, not by what it was given.
struct TrainingClock {
    /// Samples given to the device since the clock was started.
    var sampleCount = 0
    /// Those of them that were done when the device was last waited for, and how long it had taken.
    private var done = (sampleCount: 0, duration: Duration.zero)
    /// How long the device has waited for data since.
    private var waited = Duration.zero
    private var waitedBefore = Duration.zero
    private let created = ContinuousClock.now
    private var resumed: ContinuousClock.Instant?
    private var elapsed = Duration.zero
    private var isStarted = false

    var isRunning: Bool { isStarted }

    /// - Parameter waited: how long the device has waited for data so far.
    mutating func start(waited: Duration) {
        isStarted = true
        waitedBefore = waited
        resumed = .now
    }

    mutating func pause() {
        if let resumed { elapsed += .now - resumed }
        resumed = nil
    }

    mutating func resume() { if isStarted { resumed = .now } }

    /// Notes that the device has done all it was given.
    mutating func settle() { done = (sampleCount, running) }

    mutating func note(waited: Duration) { self.waited = waited - waitedBefore }

    private var running: Duration { elapsed + (resumed.map { .now - $0 } ?? .zero) }

    /// The share of the time that the device has waited for data.
    var dataWait: Double? {
        let running = running
        return sampleCount > 0 && running > .zero ? min(1, waited / running) : nil
    }

    var samplesPerSecond: Double? {
        done.sampleCount > 0 && done.duration > .zero ? Double(done.sampleCount) / (done.duration / .seconds(1)) : nil
    }

    /// Seconds since the clock was made.
    var seconds: Double { (.now - created) / .seconds(1) }
}
