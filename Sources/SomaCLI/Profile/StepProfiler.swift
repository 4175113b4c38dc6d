import Soma
import SomaBackend

/// How many training steps to let pass or to watch.
struct StepSpan {
    /// So many at least, and so long.
    let least: Int
    let seconds: Double
    /// No more than so many, however short.
    let most: Int

    init(atLeast least: Int, seconds: Double, atMost most: Int) { (self.least, self.seconds, self.most) = (least, seconds, most) }
    init(_ count: Int) { self.init(atLeast: count, seconds: 0, atMost: count) }

    /// Small data sets are seen once in that time, so that also the programs of an epoch's end are compiled.
    static let warmUp = StepSpan(atLeast: 5, seconds: 0.25, atMost: 1000)
    static let watch = StepSpan(atLeast: 10, seconds: 0.1, atMost: 1000)

    func isOver(_ count: Int, _ seconds: Double) -> Bool { count >= least && (count >= most || seconds >= self.seconds) }
}

/// Watches some training steps of a run, after others during which programs are compiled and memory is warmed.
final class StepProfiler {
    /// On which to train.
    let device: Device
    private let backend: ProfilingBackend
    private let warmUp, watch: StepSpan
    /// Whether steps of the warm-up are watched too, once there are the least of them, to be told of where the run ends soon.
    private let keepsEarlySteps: Bool
    private var early: (timeline: Timeline, count: Int)?
    /// Steps that have passed before those to watch.
    private(set) var warmUpCount = 0
    private var watchedCount = 0
    private var isWatching = false
    /// When the first step was made, and then when the watch began.
    private var beginning: ContinuousClock.Instant?
    private(set) var profile: StepProfile?
    /// Whether what is told is of steps of the warm-up.
    private(set) var isEarly = false
    private var failure: (any Error)?

    /// - Parameter warmUp: one step at least: the first is compiled.
    /// - Throws: `BackendError` where the device does not start a second time.
    convenience init(_ device: Device, warmUp: StepSpan = .warmUp, watch: StepSpan = .watch, keepsEarlySteps: Bool = false) throws {
        let (device, backend) = try device.profiling()
        self.init(device, backend, warmUp, watch, keepsEarlySteps)
    }

    private init(_ device: Device, _ backend: ProfilingBackend, _ warmUp: StepSpan, _ watch: StepSpan, _ keepsEarlySteps: Bool) {
        (self.device, self.backend, self.warmUp, self.watch, self.keepsEarlySteps) = (device, backend, warmUp, watch, keepsEarlySteps)
    }

    /// One that watches as many steps after as many.
    func repeated() -> StepProfiler { StepProfiler(device, backend, StepSpan(warmUpCount), StepSpan(watchedCount), false) }

    var isOver: Bool { profile != nil || failure != nil }

    /// To be told after every training step.
    func noteStep() {
        if isOver { return }
        let seconds = (.now - (beginning ?? .now)) / .seconds(1)
        beginning = beginning ?? .now
        do {
            if isWatching {
                watchedCount += 1
                if watch.isOver(watchedCount, seconds) { try end() }
            } else {
                warmUpCount += 1
                if warmUp.isOver(warmUpCount, seconds) {
                    try begin()
                } else if keepsEarlySteps && warmUpCount == warmUp.least {
                    try backend.start()
                }
            }
        } catch {
            failure = error
        }
    }

    private var earlyCount: Int { keepsEarlySteps ? max(0, warmUpCount - warmUp.least) : 0 }

    private func begin() throws {
        try endEarly()
        isWatching = true
        try backend.start()
        beginning = .now
    }

    private func endEarly() throws { if earlyCount > 0 { early = (try backend.stop(), earlyCount) } }

    private func end() throws { profile = StepProfile(try backend.stop(), stepCount: watchedCount) }

    /// Ends the watch with the steps that there were; `nil` where there was none.
    /// - Throws: `BackendError`, also of earlier.
    func finish() throws -> StepProfile? {
        if let failure { throw failure }
        if profile != nil { return profile }
        if !isWatching { try endEarly() }
        if let early, early.count > watchedCount {
            (profile, isEarly) = (StepProfile(early.timeline, stepCount: early.count), true)
        } else if watchedCount > 0 {
            try end()
        }
        return profile
    }
}
