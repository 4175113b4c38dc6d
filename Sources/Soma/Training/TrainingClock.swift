/// Measures how fast training goes, without the first step and without evaluations.
struct TrainingClock {
    /// Samples trained on since the clock was started.
    var sampleCount = 0
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

    mutating func note(waited: Duration) { self.waited = waited - waitedBefore }

    private var running: Duration { elapsed + (resumed.map { .now - $0 } ?? .zero) }

    /// The share of the time that the device has waited for data.
    var dataWait: Double? {
        let running = running
        return sampleCount > 0 && running > .zero ? min(1, waited / running) : nil
    }

    var samplesPerSecond: Double? {
        let running = running
        return sampleCount > 0 && running > .zero ? Double(sampleCount) / (running / .seconds(1)) : nil
    }

    /// Seconds since the clock was made.
    var seconds: Double { (.now - created) / .seconds(1) }
}
