import Soma

/// What changed from one report to another.
struct BenchComparison {
    enum Verdict: Hashable {
        case faster, slower
        /// The quartiles of the one reach into those of the other.
        case withinSpread
        /// So they do, and one of the two is so wide that this says little; or one had fewer than five repetitions.
        case tooNoisy
        /// Measured before, and now not; and why.
        case failed(String)
        /// In only one of the two.
        case onlyBefore, onlyAfter
    }

    /// A row that is in either report.
    struct Line: Hashable {
        var key: BenchRow.Key
        var metric: Metric
        var before, after: Measurement?
        var verdict: Verdict

        /// How many times as fast it is now.
        var ratio: Double? { before.flatMap { before in after.map { before.median / $0.median } } }
    }

    let before, after: BenchReport
    let lines: [Line]

    init(_ before: BenchReport, _ after: BenchReport) {
        (self.before, self.after) = (before, after)
        let old = Dictionary(before.rows.map { ($0.key, $0) }) { first, _ in first }
        let new = Set(after.rows.map(\.key))
        let now = after.rows.map { Self.line(old[$0.key], $0) }
        let gone = before.rows.filter { $0.measurement != nil && !new.contains($0.key) }
        lines = now.compactMap(\.self) + gone.map { Line(key: $0.key, metric: $0.metric, before: $0.measurement, verdict: .onlyBefore) }
    }

    /// Nothing where there was no figure before and is none now.
    private static func line(_ old: BenchRow?, _ new: BenchRow) -> Line? {
        guard let before = old?.measurement else {
            return new.measurement.map { Line(key: new.key, metric: new.metric, after: $0, verdict: .onlyAfter) }
        }
        guard let after = new.measurement else {
            return Line(key: new.key, metric: new.metric, before: before, verdict: .failed(new.reason ?? "no figure"))
        }
        let isClose = before.lowerQuartile <= after.upperQuartile && after.lowerQuartile <= before.upperQuartile
        let isNoisy = before.isWide || after.isWide
        // What was repeated fewer than five times has no spread that could be judged by.
        if before.isCapped || after.isCapped {
            return Line(key: new.key, metric: new.metric, before: before, after: after, verdict: .tooNoisy)
        }
        let verdict: Verdict = isClose ? (isNoisy ? .tooNoisy : .withinSpread) : after.median < before.median ? .faster : .slower
        return Line(key: new.key, metric: new.metric, before: before, after: after, verdict: verdict)
    }

    /// Whether there is anything to compare.
    var isEmpty: Bool { !lines.contains { $0.before != nil && $0.verdict != .onlyBefore } }

    /// Those slower beyond the spread and less than `ratio` times as fast as before, and those that have no figure any more.
    /// - Parameter isWanted: whether a row ought to have been measured again.
    func failures(below ratio: Double, isWanted: (BenchRow.Key) -> Bool = { _ in true }) -> [Line] {
        lines.filter { line in
            switch line.verdict {
            case .failed: true
            case .onlyBefore: isWanted(line.key)
            case .slower: line.ratio.map { $0 < ratio } ?? false
            case .faster, .withinSpread, .tooNoisy, .onlyAfter: false
            }
        }
    }

    /// Those that seem less than `ratio` times as fast as before, and may or may not be.
    func doubts(below ratio: Double) -> [Line] { lines.filter { line in line.verdict == .tooNoisy && line.ratio.map { $0 < ratio } ?? false } }
}

extension BenchComparison {
    /// What else is different, a line each.
    var circumstances: [String] {
        let changes = after.devices.compactMap { device -> String? in
            guard let old = before.devices.first(where: { $0.name == device.name }) else { return nil }
            if old.identity == device.identity { return old.choices == device.choices ? nil : "\(device.name) computes by other tuned choices" }
            return "\(device.name) was \(old.identity), and is \(device.identity)"
        }
        let (was, now) = (before.environment.machine, after.environment.machine)
        let machine = was == now ? [] : ["the machine was \(was), and is \(now)"]
        let gone = lines.count { $0.verdict == .onlyBefore }
        let rest = gone > 0 ? ["\(gone) rows of before were not measured again"] : []
        return (["before: \(before.environment.line)", "after:  \(after.environment.line)"] + machine + changes + rest).map(Prose.printable)
    }

    /// - Parameter files: where the reports are from; none for what was measured just now.
    func lines(_ format: ReportFormat, files: (before: String?, after: String?) = (nil, nil)) -> [String] {
        switch format {
        case .text: circumstances + [""] + table(raw: false).text
        case .md: circumstances.map { "- \($0)" } + [""] + table(raw: false).markdown
        case .csv: table(raw: true, [files.before ?? "", files.after ?? ""]).csv
        case .json: lines.map { json($0, [files.before, files.after].map { $0.map { .string($0) } ?? .null }).description }
        }
    }

    /// - Parameters:
    ///   - raw: with all digits and all rows, for spreadsheets.
    ///   - files: what stands at the end of each row then.
    private func table(raw: Bool, _ files: [String] = []) -> FigureTable {
        var table = FigureTable(
            [
                .init(name: "workload", isRight: false), .init(name: "device", isRight: false), .init(name: "before"), .init(name: "after"),
                .init(name: "unit", isRight: false), .init(name: "ratio"), .init(name: "verdict", isRight: false),
            ] + (raw ? [.init(name: "before_file"), .init(name: "after_file")] : []))
        for line in lines where raw || line.verdict != .onlyBefore {
            let values = [line.before, line.after].map { measurement in
                measurement.map { raw ? "\(line.metric.value($0.median))" : Quantity.significant(line.metric.value($0.median)) } ?? ""
            }
            let ratio = line.ratio.map { raw ? "\($0)" : Quantity.fixed($0, 3) } ?? ""
            let cells = [line.key.title, line.key.device] + values + [raw ? line.metric.name : line.metric.unit, ratio, line.verdict.words] + files
            table.rows.append(cells.map(Prose.printable))
        }
        return table
    }

    private func json(_ line: Line, _ files: [JSON]) -> JSON {
        let value = { (measurement: Measurement?) in measurement.map { JSON(line.metric.value($0.median)) } ?? .null }
        return [
            "comparison": "soma bench", "device": .string(line.key.device), "workload": .string(line.key.workload),
            "batch": line.key.batch.map { JSON($0) } ?? .null, "metric": .string(line.metric.name), "before": value(line.before),
            "after": value(line.after), "ratio": line.ratio.map { JSON($0) } ?? .null, "verdict": .string(line.verdict.words),
            "before_file": files[0], "after_file": files[1],
        ]
    }
}

extension BenchComparison.Verdict {
    var words: String {
        switch self {
        case .faster: "faster"
        case .slower: "slower"
        case .withinSpread: "within the spread"
        case .tooNoisy: "too noisy to judge"
        case .failed(let reason): reason
        case .onlyBefore: "not measured again"
        case .onlyAfter: "not measured before"
        }
    }
}

extension BenchDevice {
    /// All that tells whether two figures are of the same device, computing in the same way.
    fileprivate var identity: String {
        let tuned = choices.isEmpty ? "" : ", with \(Quantity.counted(choices.count, "tuned choice"))"
        return "\(model), \(Quantity.counted(units, "unit")), \(driver)\(tuned)"
    }
}
