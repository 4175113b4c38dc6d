import Soma

/// How fast a run goes and how long it will still take, both without the first step, which compiles, and by what the device has done.
struct Pace {
    private var start: (time: ContinuousClock.Instant, updates: Int)?
    /// The updates that the device had done when it was last known, and when that was.
    private var last: (time: ContinuousClock.Instant, updates: Int)?
    /// The losses that were read last.
    private(set) var losses: [Figure] = []

    mutating func note(_ progress: TrainingProgress, losses: [Figure]?) {
        if let losses { self.losses = losses }
        let done = progress.updateCount - progress.waitingUpdates
        if start == nil { start = (.now, done) }
        if last == nil || done > last?.updates ?? 0 { last = (.now, done) }
    }

    /// Seconds to the end, evaluations included; nil until it can be told.
    func remaining(_ progress: TrainingProgress) -> Double? {
        guard let start, let last, last.updates > start.updates else { return nil }
        let perUpdate = ((last.time - start.time) / .seconds(1)) / Double(last.updates - start.updates)
        let left = (progress.epochCount - progress.epoch) * progress.batchesPerEpoch - progress.doneBatches
        return Double(left) * perUpdate
    }

    static func rate(_ progress: TrainingProgress) -> String {
        progress.samplesPerSecond.map(Quantity.rate) ?? ""
    }

    /// The share of time that the device had to wait for data.
    static func dataWait(_ progress: TrainingProgress) -> String {
        progress.dataWait.map { "data wait \(Quantity.fixed(100 * $0, $0 < 0.0995 ? 1 : 0)) %" } ?? ""
    }

    /// Where a run stands, in at most `width` columns; nil: however many it takes.
    /// - Parameter memory: bytes in use.
    func line(_ progress: TrainingProgress, memory: Int, width: Int? = nil) -> String {
        var line = FittedLine()
        line.add("epoch \(progress.epoch + 1)/\(progress.epochCount)", rank: 0)
        line.add("update \(progress.doneBatches)/\(progress.batchesPerEpoch)", rank: 3)
        for loss in losses { line.add("\(loss.title) \(loss.text)", rank: 1) }
        line.add(Self.rate(progress), rank: 4)
        line.add(Self.dataWait(progress), rank: 6)
        line.add(Quantity.bytes(memory), rank: 5)
        line.add(remaining(progress).map { "\(Quantity.duration($0)) left" }, rank: 2)
        return line.text(width: width)
    }
}

/// One line of a terminal that is drawn over and over.
final class ProgressBar {
    private var isShown = false
    private var drawn: ContinuousClock.Instant?

    /// Draws at most ten times a second.
    func draw(_ progress: TrainingProgress, _ pace: Pace, memory: Int) throws {
        if let drawn, .now - drawn < .milliseconds(100) { return }
        drawn = .now
        let text = Self.text(progress, pace, memory: memory, width: Console.width - 1)
        try Console.redraw(text)
        isShown = true
    }

    func clear() {
        guard isShown else { return }
        isShown = false
        // A terminal that is gone is noticed by the next line.
        try? Console.write("\r\u{1B}[K")
    }

    /// The bar and the figures that have room beside it; in fewer than 24 columns the bar alone.
    static func text(_ progress: TrainingProgress, _ pace: Pace, memory: Int, width: Int) -> String {
        let line = width < 24 ? "" : pace.line(progress, memory: memory, width: width - leastRoom - 3)
        let room = line.isEmpty ? width - 2 : min(30, width - line.count - 3)
        guard room > 0 else { return "" }
        let share = Double(progress.doneBatches) / Double(max(progress.batchesPerEpoch, 1))
        let filled = min(room, Int(share * Double(room)))
        return "[\(String(repeating: "=", count: filled))\(String(repeating: " ", count: room - filled))]" + (line.isEmpty ? "" : " \(line)")
    }

    private static let leastRoom = 8
}

extension TrainingProgress {
    /// Updates of this epoch that the device has done.
    fileprivate var doneBatches: Int { max(batch - waitingUpdates, 0) }
}
