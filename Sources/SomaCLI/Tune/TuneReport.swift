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

    func begin(_ device: Device, _ workloads: [Workload], minutes: Double) throws {
        let names = workloads.map(\.name).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        if isJSON {
            return try emit("start", [
                .init("device", .string("\(device)")), .init("model", .string(device.deviceDescription.model)),
                .init("driver", .string(device.deviceDescription.driver)), .init("workloads", .array(names.map { .string($0) })),
                .init("classes", JSON(total)), .init("minutes", JSON(minutes)),
            ])
        }
        try Console.print("device     \(device): \(device.deviceDescription.model)")
        try Console.print("workloads  \(names.joined(separator: ", "))")
        try Console.print("classes    \(total) of steps, within \(Quantity.significant(minutes)) minutes\n")
    }

    /// Candidates of one class were tried.
    func note(_ finding: Finding, secondsLeft: Double) throws {
        guard !isJSON, Console.isTerminal else { return }
        if let drawn, .now - drawn < .milliseconds(100) { return }
        drawn = .now
        let share = Double(finding.tried.count) / Double(max(finding.candidateCount, 1))
        let filled = Int(share * 20)
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 20 - filled)
        let line = "[\(bar)] class \(done + 1)/\(total)  \(finding.task)  \(finding.tried.count)/\(finding.candidateCount)  "
            + "\(Quantity.duration(max(0, secondsLeft))) left"
        try Console.write("\r\u{1B}[K" + String(line.prefix(Console.width - 1)))
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
        let time = finding.seconds[finding.shipped].map { " (\(Quantity.significant($0 * 1e3)) ms)" } ?? ""
        switch finding.verdict {
        case .faster(let choice, let ratio): return "\(choice) is \(Quantity.fixed(ratio, 2)) × as fast as \(finding.shipped)\(time)"
        case .shipped: return "none is faster than \(finding.shipped)\(time)"
        case .failed(let outcome): return "\(finding.shipped), which ships, cannot be measured: \(words(outcome))"
        }
    }

    private static func words(_ outcome: Outcome) -> String {
        switch outcome {
        case .seconds(let seconds): "\(seconds) s"
        case .wrong(let text): "it is wrong, \(text)"
        case .failed(let text): text
        case .hung: "it hangs"
        case .interrupted: "interrupted"
        case .unfinished: "the time was over"
        }
    }

    private func members(_ finding: Finding) -> [JSON.Member] {
        var (choice, speedup) = (finding.shipped, 1.0)
        if case .faster(let candidate, let ratio) = finding.verdict { (choice, speedup) = (candidate, ratio) }
        var members: [JSON.Member] = [
            .init("class", .string(finding.task)), .init("shipped", .string(finding.shipped)), .init("choice", .string(choice)),
            .init("speedup", JSON(speedup)), .init("shipped_s", finding.seconds[finding.shipped].map { JSON($0) } ?? .null),
            .init("candidates", JSON(finding.candidateCount)), .init("tried", JSON(finding.tried.count)),
            .init("trials_s", .object(finding.tried.compactMap { candidate in finding.seconds[candidate].map { .init(candidate, JSON($0)) } })),
            .init("struck", .object(finding.struck.sorted { $0.key < $1.key }.map { .init($0.key, .string(Self.words($0.value))) })),
        ]
        if case .failed(let outcome) = finding.verdict { members.append(.init("error", .string(Self.words(outcome)))) }
        return members
    }

    /// - Parameter path: the file with the choices; nil where there is none.
    func end(faster: Int, path: String?, isInterrupted: Bool) throws {
        clear()
        if isJSON {
            return try emit("end", [
                .init("classes", JSON(done)), .init("faster", JSON(faster)), .init("file", path.map { .string($0) } ?? .null),
                .init("interrupted", .bool(isInterrupted)),
            ])
        }
        let what = "\(isInterrupted ? "interrupted after" : "done:") \(done) of \(total) classes, \(faster) of them faster than what ships"
        try Console.print("\n\(what)" + (path.map { "; kept in \($0)" } ?? ""))
    }

    private func emit(_ event: String, _ members: [JSON.Member]) throws {
        try Console.print(JSON.object([.init("event", .string(event))] + members).description)
    }
}
