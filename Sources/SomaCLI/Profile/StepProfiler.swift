import Soma
import SomaBackend
import SomaZoo

/// Watches some training steps of a run, after a few during which programs are compiled and memory is warmed.
final class StepProfiler {
    let device: Device
    private let backend: ProfilingBackend
    private let warmUp, count: Int
    private var seen = 0
    private(set) var profile: StepProfile?

    /// - Parameters:
    ///   - warmUp: steps before, one at least: the first is compiled.
    ///   - count: steps to watch.
    /// - Throws: `BackendError` where the device does not start a second time.
    init(_ device: Device, warmUp: Int, count: Int) throws {
        (self.device, backend) = try device.profiling()
        (self.warmUp, self.count) = (warmUp, count)
    }

    var isDone: Bool { profile != nil }

    /// - Throws: `BackendError`.
    func note(_ event: RecipeEvent) throws {
        guard !isDone, case .training(.step) = event else { return }
        seen += 1
        if seen == warmUp { try backend.start() }
        if seen == warmUp + count { profile = StepProfile(try backend.stop(), stepCount: count) }
    }
}
