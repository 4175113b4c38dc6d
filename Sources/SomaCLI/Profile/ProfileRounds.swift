import Soma
import SomaBackend

/// Rounds of training steps that are watched and of the same steps unwatched, in turn for some seconds.
struct ProfileRounds {
    private let plan: RunPlan
    private let device: Device
    /// Of each round what was watched; none where it was interrupted before a step was.
    private(set) var profiles: [StepProfile] = []
    /// Of each round the seconds on the clock of a step that nobody watches; one less where that was interrupted.
    private(set) var unwatched: [Double] = []

    /// Rounds, so that there are quartiles; but where steps take long no more than fit into some seconds.
    private static let (least, seconds, most) = (5, 2.0, 6.0)

    /// - Throws: what the recipe throws; `BackendError`.
    init(_ plan: RunPlan, on device: Device, warmUp: StepSpan, watch: StepSpan) throws {
        (self.plan, self.device) = (plan, device)
        var profiler = try StepProfiler(device, warmUp: warmUp, watch: watch)
        let beginning = ContinuousClock.now
        while let next = try watched(by: profiler) {
            profiles.append(next)
            // Of steps that take long a few tell enough.
            let count = min(next.stepCount, max(3, Int(Self.seconds / next.wallOfStep)))
            guard !Interruption.isPending, let seconds = try seconds(of: count, after: profiler.warmUpCount) else { return }
            unwatched.append(seconds / Double(count))
            let passed = (.now - beginning) / .seconds(1)
            if passed > (unwatched.count < Self.least ? Self.most : Self.seconds) { return }
            profiler = profiler.repeated()
        }
    }

    /// The round whose steps took neither long nor short.
    var median: StepProfile? {
        profiles.isEmpty ? nil : profiles.sorted { $0.wallOfStep < $1.wallOfStep }[(profiles.count - 1) / 2]
    }

    /// `nil` where no round was made both ways.
    var cost: WatchingCost? {
        unwatched.isEmpty ? nil : WatchingCost(watched: profiles.prefix(unwatched.count).map(\.wallOfStep), unwatched: unwatched)
    }

    /// What was watched; `nil` where it was interrupted before it was worth telling.
    private func watched(by profiler: StepProfiler) throws -> StepProfile? {
        try plan.trainSteps(on: profiler.device) {
            profiler.noteStep()
            return profiler.isOver || Interruption.isPending
        }
        let isWhole = profiler.isOver
        let profile = try profiler.finish()
        return isWhole || profiles.isEmpty ? profile : nil
    }

    /// Seconds of `count` steps that nobody watches; `nil` where it was interrupted.
    /// - Parameter warmUp: steps before.
    private func seconds(of count: Int, after warmUp: Int) throws -> Double? {
        var (made, start, seconds): (Int, ContinuousClock.Instant, Double?) = (0, .now, nil)
        var failure: (any Error)?
        try plan.trainSteps(on: device) {
            made += 1
            do {
                if made == warmUp || made == warmUp + count { try device.synchronize() }
            } catch { failure = error }
            if made == warmUp { start = .now }
            if made == warmUp + count { seconds = (.now - start) / .seconds(1) }
            return Interruption.isPending || seconds != nil || failure != nil
        }
        if let failure { throw failure }
        return seconds
    }
}
