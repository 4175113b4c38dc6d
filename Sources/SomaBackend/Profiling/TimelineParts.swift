/// What the time of training steps went to. Each moment belongs to one part, so that the parts add up to all of it.
public struct TimelineParts: Sendable {
    /// The launches of training steps.
    public private(set) var launches: [Timeline.Event] = []
    /// Nanoseconds in which such launches ran.
    public private(set) var running = 0
    /// Nanoseconds in which no launch ran, by what the thread that began the timeline was doing.
    public private(set) var idle: [String: Int] = [:]
    /// Nanoseconds in which no launch ran and that thread was doing nothing that has a name.
    public private(set) var unnamed = 0
    /// Nanoseconds that are no training step's: spent on evaluating and saving, whatever ran, and on compiling where nothing did.
    public private(set) var apart: [Phase: Int] = [:]

    /// Divides the time of a timeline that `ProfilingBackend` recorded.
    public init(_ timeline: Timeline) {
        var busy = BusyTime(timeline.launches)
        var between: [Range<Int>] = []
        for moment in timeline.moments {
            if let phase = moment.open.lazy.compactMap(\.phase).first(where: \.isBetweenSteps) {
                apart[phase, default: 0] += moment.range.count
                between.append(moment.range)
                continue
            }
            let ran = busy.overlap(with: moment.range)
            running += ran
            note(moment.range.count - ran, moment.open)
        }
        launches = timeline.launches.filter { launch in !between.contains { $0.contains(launch.start) } }
    }

    private mutating func note(_ rest: Int, _ open: [Timeline.Event]) {
        if rest == 0 { return }
        if open.contains(where: { $0.phase == .compiling }) {
            apart[.compiling, default: 0] += rest
        } else if let innermost = open.last {
            idle[innermost.name, default: 0] += rest
        } else {
            unnamed += rest
        }
    }

    /// Nanoseconds of the training steps themselves.
    public var stepTime: Int { running + idle.values.reduce(unnamed, +) }
}

extension Timeline {
    /// From one change of what the thread that began the timeline is at to the next, and what it is at, the innermost last.
    fileprivate var moments: [(range: Range<Int>, open: [Event])] {
        var moments: [(Range<Int>, [Event])] = []
        var (open, reached): ([Event], Int) = ([], start)
        func advance(to time: Int) {
            if time > reached { moments.append((reached..<time, open)) }
            reached = max(reached, time)
        }
        func close(until time: Int) {
            while let last = open.last, last.end <= time {
                advance(to: last.end)
                open.removeLast()
            }
            advance(to: time)
        }
        for event in events where event.thread == 1 {
            close(until: event.start)
            open.append(event)
        }
        close(until: end)
        return moments
    }
}

/// When anything ran at all, asked of later and later ranges.
private struct BusyTime {
    private var ranges: [Range<Int>] = []
    private var place = 0

    /// - Parameter launches: in the order in which they began.
    init(_ launches: [Timeline.Event]) {
        for launch in launches where launch.duration > 0 {
            if let last = ranges.last, launch.start <= last.upperBound {
                ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, launch.end)
            } else {
                ranges.append(launch.start..<launch.end)
            }
        }
    }

    mutating func overlap(with range: Range<Int>) -> Int {
        while place < ranges.count, ranges[place].upperBound <= range.lowerBound { place += 1 }
        return ranges[place...].prefix { $0.lowerBound < range.upperBound }.reduce(0) { $0 + $1.clamped(to: range).count }
    }
}
