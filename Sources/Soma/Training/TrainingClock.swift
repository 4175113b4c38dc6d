/// Measures how fast training goes, without the first step and without evaluations.
struct TrainingClock {
    /// Samples trained on since the clock was started.
    var sampleCount = 0
    private let created = ContinuousClock.now
    private var resumed: ContinuousClock.Instant?
    private var elapsed = Duration.zero
    private var isStarted = false

    var isRunning: Bool { isStarted }

    mutating func start() {
        isStarted = true
        resumed = .now
    }

    mutating func pause() {
        if let resumed { elapsed += .now - resumed }
        resumed = nil
    }

    mutating func resume() { if isStarted { resumed = .now } }

    var samplesPerSecond: Double? {
        let running = elapsed + (resumed.map { .now - $0 } ?? .zero)
        return sampleCount > 0 && running > .zero ? Double(sampleCount) / (running / .seconds(1)) : nil
    }

    /// Seconds since the clock was made.
    var seconds: Double { (.now - created) / .seconds(1) }
}
