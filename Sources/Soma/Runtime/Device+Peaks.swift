import SomaBackend

extension Device {
    /// Measures what the device is capable of, each peak for about `budget` seconds, after the work that it has.
    ///
    /// What cannot be measured says why and does not keep the others from it.
    public func measured(_ peaks: some Sequence<Peak> = Peak.allCases, budget: Double = 0.1) -> DevicePeaks {
        var result = DevicePeaks()
        for peak in peaks { result.figures[peak] = figure(peak, budget) }
        return result
    }

    private func figure(_ peak: Peak, _ budget: Double) -> DevicePeaks.Figure {
        guard let probe = executor.backend as? any PeakProbe else { return .missing("this kind of device cannot be measured") }
        do {
            return .value(try probe.measure(peak, budget: budget))
        } catch BackendError.unsupported(let reason) {
            return .missing(reason)
        } catch {
            return .missing("\(error)")
        }
    }
}
