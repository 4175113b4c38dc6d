import Soma

extension BenchRow {
    /// As a line for programs. `value`, the quartiles and `best` are in the metric's unit.
    func json(in report: BenchReport) -> JSON { .object(identity + figures(in: report) + circumstances(in: report) + machine(of: report)) }

    /// As a saved report has it: with every sample, so that all else can be reckoned again.
    func savedJSON(in report: BenchReport) -> JSON {
        var members = identity + figures(in: report) + circumstances(in: report)
        members += [.init("amount", JSON(metric.amount)), .init("unit", .string(metric.unit))]
        if let measurement { members.append(.init("samples_s", .array(measurement.samples.map { JSON($0) }))) }
        if let work {
            members += [
                .init("operations", JSON(work.operations)), .init("bytes_read", JSON(work.bytesRead)),
                .init("bytes_written", JSON(work.bytesWritten)), .init("launches", JSON(work.launches)),
            ]
        }
        return .object(members)
    }

    private var identity: [JSON.Member] {
        [
            .init("device", .string(device)), .init("workload", .string(workload)), .init("batch", batch.map { JSON($0) } ?? .null),
            .init("metric", .string(metric.name)), .init("better", metric.isRate ? "higher" : "lower"),
        ]
    }

    private func figures(in report: BenchReport) -> [JSON.Member] {
        let value = { (seconds: Double?) in seconds.map { JSON(metric.value($0)) } ?? .null }
        // The quartile of the shorter times is that of the higher rates.
        let quartiles = [measurement?.lowerQuartile, measurement?.upperQuartile]
        let limit = report.limit(of: self)
        var members: [JSON.Member] = [
            .init("value", value(measurement?.median)), .init("lower_quartile", value(quartiles[metric.isRate ? 1 : 0])),
            .init("upper_quartile", value(quartiles[metric.isRate ? 0 : 1])), .init("best", value(measurement?.best)),
            .init("repetitions", JSON(measurement?.samples.count ?? 0)), .init("spread", measurement.map { JSON($0.spread) } ?? .null),
            .init("first_call_s", measurement.map { JSON($0.firstCall) } ?? .null), .init("capped", .bool(measurement?.isCapped ?? false)),
            .init("limit", limit.map { .string($0.resource.rawValue) } ?? .null), .init("limit_share", limit.map { JSON($0.share) } ?? .null),
            .init("limit_doubtful", .bool(report.isLimitDoubtful(of: self))), .init("ratio", report.ratio(of: self).map { JSON($0) } ?? .null),
        ]
        if let pairs { members.append(.init("pair_ratios", .array(pairs.map { JSON($0) }))) }
        if case .failed(let reason) = outcome { members.append(.init("error", .string(reason))) }
        if case .lacks(let what) = outcome { members.append(.init("lacks", .string(what))) }
        return members
    }

    private func circumstances(in report: BenchReport) -> [JSON.Member] {
        [
            .init("precision", .string(precision)), .init("deterministic", .bool(report.environment.isDeterministic)),
            .init("device_peak_bytes", devicePeakBytes.map { JSON($0) } ?? .null),
            .init("resident_peak_bytes", residentPeakBytes.map { JSON($0) } ?? .null), .init("load", load.map { JSON($0.average) } ?? .null),
            .init("steal_pct", load?.stolen.map { JSON(100 * $0) } ?? .null), .init("version", .string(report.environment.version)),
        ]
    }

    /// What a saved report tells once for all rows.
    private func machine(of report: BenchReport) -> [JSON.Member] {
        let device = report.devices.first { $0.name == self.device }
        return [
            .init("engine", .string(report.environment.engine)), .init("threads", JSON(report.environment.threads)),
            .init("debug_build", .bool(report.environment.isDebugBuild)), .init("device_model", device.map { .string($0.model) } ?? .null),
            .init("device_driver", device.map { .string($0.driver) } ?? .null),
            .init("host", .string(report.environment.host)), .init("date", .string(report.environment.date)),
        ]
    }

    /// A row of a saved report.
    /// - Throws: `SomaError` that says what is wrong with it.
    init(_ json: JSON) throws {
        (workload, device, precision) = (try json.text("workload"), try json.text("device"), try json.text("precision"))
        batch = try Self.batch(json["batch"] ?? .null)
        metric = Metric(
            name: try json.text("metric"), unit: try json.text("unit"), amount: try json.positive("amount"), isRate: json["better"] == "higher")
        if json["operations"] != nil {
            work = Work(
                operations: try json.count("operations"), bytesRead: try json.count("bytes_read"),
                bytesWritten: try json.count("bytes_written"), launches: json["launches"] == nil ? 0 : try json.count("launches"))
        }
        outcome = try Self.outcome(json)
        load = json["load"]?.double.map { HostLoad(average: $0, stolen: json["steal_pct"]?.double.map { $0 / 100 }) }
        (devicePeakBytes, residentPeakBytes) = (json["device_peak_bytes"]?.integer, json["resident_peak_bytes"]?.integer)
        pairs = try json["pair_ratios"].map { try Self.positive($0, "pair_ratios") }
    }

    private static func outcome(_ json: JSON) throws -> Outcome {
        if let reason = json["error"]?.string { return .failed(reason) }
        if let what = json["lacks"]?.string { return .lacks(what) }
        let samples = try positive(json["samples_s"] ?? .null, "samples_s")
        return .measured(Measurement(samples: samples, firstCall: try json.count("first_call_s"), isCapped: json["capped"] == true))
    }

    private static func batch(_ json: JSON) throws -> Int? {
        if json == .null { return nil }
        guard let batch = json.integer, batch > 0 else { throw SomaError("it has no usable 'batch'") }
        return batch
    }

    private static func positive(_ json: JSON, _ name: String) throws -> [Double] {
        let numbers = (json.array ?? []).compactMap(\.double).filter(JSON.measurable.contains)
        guard !numbers.isEmpty, numbers.count == json.array?.count else { throw SomaError("it has no usable '\(name)'") }
        return numbers
    }
}

extension BenchDevice {
    var json: JSON {
        let figures = Peak.allCases.compactMap { peak in
            peaks.figures[peak].map { figure -> JSON.Member in
                switch figure {
                case .value(let value): .init(peak.rawValue, JSON(value))
                case .missing(let reason): .init(peak.rawValue, .string(reason))
                }
            }
        }
        return [
            "name": .string(name), "model": .string(model), "driver": .string(driver), "compute_units": JSON(units),
            "tuning": .object(choices.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }), "peaks": .object(figures),
        ]
    }

    init(_ json: JSON) throws {
        (name, model, driver) = (try json.text("name"), try json.text("model"), try json.text("driver"))
        units = Int(try json.count("compute_units"))
        choices = Dictionary((json["tuning"]?.members ?? []).map { ($0.name, $0.value.string ?? "") }) { first, _ in first }
        for member in json["peaks"]?.members ?? [] {
            // A peak that only another version knows is passed over.
            guard let peak = Peak(rawValue: member.name) else { continue }
            if let value = member.value.double, JSON.measurable.contains(value) { peaks.figures[peak] = .value(value) }
            if let reason = member.value.string { peaks.figures[peak] = .missing(reason) }
        }
    }
}

extension BenchReport {
    /// What a saved report begins with; another format would have another number.
    private static let format = "soma bench 1"

    var json: JSON {
        [
            "format": .string(Self.format), "environment": environment.json, "devices": .array(devices.map(\.json)),
            "baseline": baseline.map { .string($0) } ?? .null, "complete": .bool(isComplete), "rows": .array(rows.map { $0.savedJSON(in: self) }),
        ]
    }

    init(_ json: JSON) throws {
        guard let format = json["format"]?.string, format.hasPrefix("soma bench ") else { throw SomaError("it is no report of soma bench") }
        guard format == Self.format else {
            throw SomaError("it was saved by another version, in the format '\(format.prefix(40))' and not '\(Self.format)'")
        }
        environment = try BenchEnvironment(json["environment"] ?? .null)
        guard let devices = json["devices"]?.array, let rows = json["rows"]?.array else { throw SomaError("it has no list of devices or none of rows") }
        guard rows.count <= Self.mostRows else { throw SomaError("it has \(Quantity.grouped(rows.count)) rows, which no run has") }
        self.devices = try devices.map { try BenchDevice($0) }
        self.rows = try rows.map { try BenchRow($0) }
        (baseline, isComplete) = (json["baseline"]?.string, json["complete"] != false)
        var seen: Set<BenchRow.Key> = []
        if let double = self.rows.first(where: { !seen.insert($0.key).inserted }) {
            throw SomaError("it has two rows of \(double.key.title) on \(double.device)")
        }
    }

    /// Far more than there are workloads times devices.
    private static let mostRows = 4096

    /// A report that `--save` wrote.
    /// - Throws: `SomaError` that names the file and what is wrong with it.
    init(path: String) throws {
        let bytes = try SmallFile.read(path, limit: 1 << 28)
        do {
            try self.init(JSON(edited: bytes))
        } catch let error as SomaError {
            if let kind = bytes.withUnsafeBytes({ FileKind($0, otherThan: FileKind.json) }) { throw kind.error(path, "is no report of soma bench") }
            throw SomaError("cannot use \(path): \(error.message)")
        }
    }

    func save(to path: String) throws { try AtomicFile.write(json.description + "\n", to: path) }
}
