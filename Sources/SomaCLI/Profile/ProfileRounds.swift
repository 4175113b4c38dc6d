import Soma
import SomaBackend

/// Training steps that are watched, and the same steps unwatched, in turn for some seconds. What disturbs steps makes them longer, so the
/// fastest of each count.
struct ProfileRounds {
    private let plan: RunPlan
    private let device: Device
    /// `nil` where it was interrupted before a step was watched.
    private(set) var profile: StepProfile?
    /// Seconds on the clock of a step that nobody watches; `nil` where that was interrupted.
    private(set) var unwatched: Double?

    private static let seconds = 2.0

    /// - Throws: what the recipe throws; `BackendError`.
    init(_ plan: RunPlan, on device: Device, warmUp: StepSpan, watch: StepSpan) throws {
        (self.plan, self.device) = (plan, device)
        var profiler = try StepProfiler(device, warmUp: warmUp, watch: watch)
        let beginning = ContinuousClock.now
        while let next = try watched(by: profiler) {
            if next.wall < profile?.wall ?? .infinity { profile = next }
            // Of steps that take long a few tell enough.
            let count = min(next.stepCount, max(3, Int(Self.seconds / next.wall * Double(next.stepCount))))
            guard !Interruption.isPending, let seconds = try seconds(of: count, after: profiler.warmUpCount) else { return }
            unwatched = min(unwatched ?? .infinity, seconds / Double(count))
            if (.now - beginning) / .seconds(1) > Self.seconds { return }
            profiler = profiler.repeated()
        }
    }

    /// What was watched; `nil` where it was interrupted before it was worth telling.
    private func watched(by profiler: StepProfiler) throws -> StepProfile? {
        try plan.trainSteps(on: profiler.device) {
            profiler.noteStep()
            return profiler.isOver || Interruption.isPending
        }
        let isWhole = profiler.isOver
        let profile = try profiler.finish()
        return isWhole || self.profile == nil ? profile : nil
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
