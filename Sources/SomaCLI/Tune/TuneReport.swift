import Soma

/// Tells of a search as it goes on: lines or objects, and a bar on a terminal.
final class TuneReport {
    private let isJSON: Bool
    private let total: Int
    private var drawn: ContinuousClock.Instant?
    private var done = 0
    /// The bar, which is drawn over and over.
    private var isShown = false

    init(isJSON: Bool, total: Int) { (self.isJSON, self.total) = (isJSON, total) }

    /// - Parameter smallCount: classes of steps that are left out.
    func begin(_ device: Device, _ subjects: [String], smallCount: Int, minutes: Double) throws {
        let names = subjects.reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        if isJSON {
            return try emit("start", [
                .init("device", .string("\(device)")), .init("model", .string(device.deviceDescription.model)),
                .init("driver", .string(device.deviceDescription.driver)), .init("workloads", .array(names.map { .string($0) })),
                .init("classes", JSON(total)), .init("small_classes", JSON(smallCount)), .init("minutes", JSON(minutes)),
            ])
        }
        try Console.print("device     \(device): \(device.deviceDescription.model)")
        try Console.print("workloads  \(names.joined(separator: ", "))")
        let rest = smallCount == 0 ? "" : "; \(smallCount) that are less than 1 % of their work are left out"
        try Console.print("classes    \(total) of steps, within \(Quantity.duration(minutes * 60))\(rest)\n")
    }

    func note(_ news: TuneSearch.News, secondsLeft: Double) throws {
        switch news {
        case .trial(let finding) where isJSON: try emit("trial", trial(finding))
        case _ where isJSON: break
        case .start(let finding), .trial(let finding): try draw(finding, "\(finding.tried.count)/\(finding.candidateCount)", secondsLeft)
        case .duel(let request, let finding, isLast: false): try draw(finding, "\(request.second) beside \(request.first)", secondsLeft)
        case .duel(let request, _, isLast: true):
            clear()
            try Console.print(
                "interrupted: before the end \(request.second) is timed in turns with \(request.first), about "
                    + "\(Quantity.duration(request.expected)); Control-C again ends at once")
        }
    }

    /// The bar, at most ten times a second.
    private func draw(_ finding: Finding, _ text: String, _ secondsLeft: Double) throws {
        guard Console.isTerminal else { return }
        if isShown, let drawn, .now - drawn < .milliseconds(100) { return }
        drawn = .now
        let share = Double(finding.tried.count) / Double(max(finding.candidateCount, 1))
        let filled = Int(share * 20)
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 20 - filled)
        let line = "[\(bar)] class \(done + 1)/\(total)  \(finding.task)  \(text)  \(Quantity.duration(max(0, secondsLeft))) left"
        try Console.redraw(line)
        isShown = true
    }

    func clear() {
        guard isShown else { return }
        isShown = false
        try? Console.write("\r\u{1B}[K")
    }

    func end(_ finding: Finding) throws {
        clear()
        done += 1
        if isJSON { return try emit("class", members(finding)) }
        let struck = finding.struck.isEmpty ? "" : ", \(finding.struck.count) struck"
        try Console.print("\(finding.task)")
        try Console.print("    \(finding.tried.count) of \(finding.candidateCount) tried\(struck): \(Self.words(finding))")
    }

    private static func words(_ finding: Finding) -> String {
        func time(_ candidate: String) -> String { finding.seconds[candidate].map { " (\(Quantity.significant($0 * 1e3)) ms)" } ?? "" }
        let unsure = finding.unsure.map { "; no time was left to make sure of \($0)" } ?? ""
        switch finding.verdict {
        case .faster(let choice, let other, let ratio): return "\(choice) is \(Quantity.fixed(ratio, 2)) × as fast as \(other)\(time(other))"
        case .best(let choice) where finding.candidateCount == 1: return "no other than \(choice)\(time(choice))"
        case .best(let choice) where finding.tried == [choice]: return "\(choice)\(time(choice)); no time was left to try another"
        case .best(let choice):
            let forgotten = choice == finding.before ? "" : ", nor is \(finding.before), which an earlier search chose"
            return "none is faster than \(choice)\(time(choice))\(forgotten)\(unsure)"
        case .failed(let outcome): return "\(finding.shipped), which ships, cannot be measured: \(words(outcome))"
        }
    }

    private static func words(_ outcome: Outcome) -> String {
        switch outcome {
        case .seconds(let seconds): "\(seconds) s"
        case .wrong(let text): "it is wrong, \(text)"
        case .failed(let text): text
        case .hung: "it hangs, or takes longer than --limit"
        case .interrupted: "interrupted"
        case .unfinished: "the time was over"
        }
    }

    private func trial(_ finding: Finding) -> [JSON.Member] {
        let members: [JSON.Member] = [
            .init("class", .string(finding.task)), .init("tried", JSON(finding.tried.count)), .init("candidates", JSON(finding.candidateCount)),
        ]
        guard let fastest = finding.ranking.first, let seconds = finding.seconds[fastest] else { return members }
        return members + [.init("fastest", .string(fastest)), .init("fastest_s", JSON(seconds))]
    }

    private func members(_ finding: Finding) -> [JSON.Member] {
        var speedup = 1.0
        if case .faster(_, _, let ratio) = finding.verdict { speedup = ratio }
        var members: [JSON.Member] = [
            .init("class", .string(finding.task)), .init("shipped", .string(finding.shipped)), .init("before", .string(finding.before)),
            .init("choice", .string(finding.choice)), .init("speedup", JSON(speedup)),
            .init("shipped_s", finding.seconds[finding.shipped].map { JSON($0) } ?? .null),
            .init("candidates", JSON(finding.candidateCount)), .init("tried", JSON(finding.tried.count)),
            .init("trials_s", .object(finding.tried.compactMap { candidate in finding.seconds[candidate].map { .init(candidate, JSON($0)) } })),
            .init("struck", .object(finding.struck.sorted { $0.key < $1.key }.map { .init($0.key, .string(Self.words($0.value))) })),
        ]
        if let unsure = finding.unsure { members.append(.init("unsure", .string(unsure))) }
        if case .failed(let outcome) = finding.verdict { members.append(.init("error", .string(Self.words(outcome)))) }
        return members
    }

    /// The whole, and every choice that is another than before.
    func end(_ summary: TuneSummary) throws {
        clear()
        if isJSON { return try emit("end", members(summary)) }
        let what = summary.isInterrupted ? "interrupted with" : "done:"
        let changes = summary.changes.isEmpty ? "all computed as before" : "\(summary.changes.count) of them computed otherwise than before"
        let failures = summary.failures > 0 ? "; \(summary.failures) could not be measured" : ""
        let rest = summary.done + summary.failures < total && !summary.isInterrupted ? "; more --minutes reach more" : ""
        try Console.print("\n\(what) \(summary.done) of \(total) classes searched, \(changes)\(failures)\(rest)")
        guard let path = summary.path else { return }
        if summary.changes.isEmpty { return try Console.print("replaced \(path), which could not be used") }
        try Console.print("kept in \(path):")
        for change in summary.changes {
            try Console.print("    \(change.task)  \(change.choice)" + (change.choice == change.shipped ? ", as it ships" : ""))
        }
    }

    private func members(_ summary: TuneSummary) -> [JSON.Member] {
        [
            .init("classes", JSON(summary.done)), .init("only_shipped", JSON(summary.glances)), .init("failed", JSON(summary.failures)),
            .init("changed", JSON(summary.changes.count)), .init("file", summary.path.map { .string($0) } ?? .null),
            .init("interrupted", .bool(summary.isInterrupted)),
        ]
    }

    private func emit(_ event: String, _ members: [JSON.Member]) throws {
        try Console.print(JSON.object([.init("event", .string(event))] + members).description)
    }
}
