import ArgumentParser
import Soma

/// How figures are written: for people, for a page of text, for a spreadsheet, for programs.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
    case text, md, csv, json
}

extension BenchReport {
    /// The lines of the whole report.
    func lines(_ format: ReportFormat) -> [String] { head(format) + rows.flatMap { lines(of: $0, format) } }

    /// What stands before the rows, which may still be to come.
    func head(_ format: ReportFormat) -> [String] {
        switch format {
        case .text: [environment.line] + devices.map(\.line) + ["", Self.textLine(columns(format).map(\.name))]
        case .md: ([environment.line] + devices.map(\.line)).map { "- \($0)" } + [""] + FigureTable.markdown(head: columns(format))
        case .csv: [FigureTable.csv(columns(format).map(\.name))]
        case .json: []
        }
    }

    /// One row; it needs only those that stand before it.
    func lines(of row: BenchRow, _ format: ReportFormat) -> [String] {
        switch format {
        case .text: [row.reason.map { Self.textLine([row.key.title, row.device, $0]) } ?? Self.textLine(cells(row))]
        case .md: [FigureTable.markdown(row.reason.map { [row.key.title, row.device, $0] + Self.empty(columns(format).count - 3) } ?? cells(row))]
        case .csv: [FigureTable.csv(fields(row))]
        case .json: [row.json(in: self).description]
        }
    }

    private static func empty(_ count: Int) -> [String] { [String](repeating: "", count: count) }

    // MARK: For people

    /// Wide enough for what there usually is; a row is written before the next is known.
    private static let widths: [(Int, TextTable.Alignment)] = [
        (20, .left), (9, .left), (8, .right), (8, .left), (6, .right), (10, .right), (16, .right), (6, .right),
    ]

    private static func textLine(_ cells: [String]) -> String {
        var line = zip(cells, widths).map { TextTable.padded(Prose.clipped($0, to: TextTable.widestCell), to: $1.0, $1.1) }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }

    private func columns(_ format: ReportFormat) -> [FigureTable.Column] {
        if format == .csv { return Self.fieldNames.map { FigureTable.Column(name: $0) } }
        let ratio = baseline.map { [FigureTable.Column(name: "× \($0)")] } ?? []
        return [
            .init(name: "workload", isRight: false), .init(name: "device", isRight: false), .init(name: "median"),
            .init(name: "unit", isRight: false), .init(name: "spread"), .init(name: "first call"), .init(name: "of limit"),
        ] + ratio
    }

    private func cells(_ row: BenchRow) -> [String] {
        guard let measurement = row.measurement else { return [] }
        let share = limit(of: row).map { "\(Quantity.fixed(100 * $0.share, 0)) % \($0.resource.rawValue)" } ?? ""
        let limit = isLimitDoubtful(of: row) ? "limit too low" : share
        let ratio = baseline == nil ? [] : [ratioText(row)]
        return [
            row.key.title, row.device, Quantity.significant(row.metric.value(measurement.median)), row.metric.unit,
            Self.spread(measurement), Self.seconds(measurement.firstCall), limit,
        ] + ratio
    }

    /// In per cent; where there are too few repetitions for one, how many there are.
    private static func spread(_ measurement: Measurement) -> String {
        guard measurement.isCapped else { return Quantity.fixed(100 * measurement.spread, 0) + " %" }
        return measurement.samples.count == 1 ? "1 rep" : "\(measurement.samples.count) reps"
    }

    /// Of pairs of repetitions their median, and in brackets the quartiles.
    private func ratioText(_ row: BenchRow) -> String {
        guard let ratio = ratio(of: row) else { return "" }
        guard row.device != baseline, let pairs = row.pairs.map({ Measurement(samples: $0) }) else { return Quantity.fixed(ratio, 2) }
        return "\(Quantity.fixed(ratio, 2)) (\(Quantity.fixed(pairs.lowerQuartile, 2)) to \(Quantity.fixed(pairs.upperQuartile, 2)))"
    }

    /// With a unit that suits.
    static func seconds(_ seconds: Double) -> String {
        if seconds < 1e-3 { return "\(Quantity.significant(seconds * 1e6, 3)) µs" }
        return seconds < 1 ? "\(Quantity.significant(seconds * 1e3, 3)) ms" : "\(Quantity.significant(seconds, 3)) s"
    }

    // MARK: For spreadsheets

    private static let fieldNames = [
        "workload", "batch", "device", "precision", "metric", "median", "lower_quartile", "upper_quartile", "best", "spread", "repetitions",
        "first_call_s", "limit", "limit_share", "ratio", "load", "limit_doubtful", "error",
    ]

    /// As the members of the row's JSON, by the names of the columns.
    private func fields(_ row: BenchRow) -> [String] {
        let json = row.json(in: self)
        return Self.fieldNames.map { name in
            switch name {
            case "median": Self.field(json["value"])
            case "error": row.reason ?? ""
            default: Self.field(json[name])
            }
        }
    }

    private static func field(_ value: JSON?) -> String {
        switch value {
        case nil, .null: ""
        case .string(let text): text
        case let value?: value.description
        }
    }
}

extension BenchDevice {
    /// For people: what it is, and what it was measured to be capable of.
    var line: String {
        let arithmetic = peaks[.float32].map { "\(Quantity.significant($0 / 1e9)) GFLOP/s" }
        let memory = [("read", Peak.memoryRead), ("write", .memoryWrite), ("copy", .memoryCopy)].compactMap { word, peak in
            peaks[peak].map { "\(word) \(Quantity.significant($0 / 1e9, 3))" }
        }
        let bandwidth = memory.isEmpty ? nil : memory.joined(separator: ", ") + " GB/s"
        let limits = [arithmetic, bandwidth].compactMap { $0 }
        return "\(name): \(model), \(Quantity.counted(units, "unit"))" + (limits.isEmpty ? "" : "; measured: " + limits.joined(separator: ", "))
    }
}
