import Soma

extension BenchReport {
    /// The report as pictures: devices side by side where there are several; and for each, how near it came to its limits, and its roofline.
    /// - Throws: `SomaError` where there is nothing to draw.
    func chart() throws -> String {
        var column = SVGColumn(caption: [environment.line] + devices.map(\.line))
        if devices.count > 1 { column.add(speeds) }
        for (number, device) in devices.enumerated() {
            let shares = shares(of: device, number)
            if !shares.groups.isEmpty { column.add(shares) }
            if let roofline = roofline(of: device, number) { column.add(roofline) }
        }
        if column.isEmpty { throw SomaError("there is nothing to draw: no device to compare with, and no limit that was measured") }
        return column.svg
    }

    /// Bars as long as the speed beside that of the fastest device at the same.
    private var speeds: SVGBars {
        var bars = SVGBars(title: "Speed beside the fastest device", label: "1: as fast as the fastest", series: devices.map(\.name))
        for key in keys {
            let measured = rows.filter { $0.key.withoutDevice == key }.compactMap { row in row.measurement.map { (row, $0) } }
            guard let best = measured.map(\.1.median).min() else { continue }
            bars.groups.append(.init(key.title, measured.map { row, measurement in
                .init(series: place(of: row.device), best / measurement.median, text: row.valueText, quartiles: measurement.rates(of: best))
            }))
        }
        return bars
    }

    private func shares(of device: BenchDevice, _ number: Int) -> SVGBars {
        var bars = SVGBars(
            title: "\(device.name): share of what the device is capable of", label: "1: the limit that was measured", series: [device.name])
        for row in rows where row.device == device.name {
            guard let limit = limit(of: row), let measurement = row.measurement else { continue }
            let isDoubtful = isLimitDoubtful(of: row)
            let share = isDoubtful ? "limit measured too low" : "\(Quantity.fixed(100 * limit.share, 0)) % of \(limit.resource.rawValue)"
            let quartiles = isDoubtful ? nil : measurement.rates(of: limit.share * measurement.median)
            let bar = SVGBars.Bar(series: number, isDoubtful ? .nan : limit.share, text: "\(row.valueText), \(share)", quartiles: quartiles)
            bars.groups.append(.init(row.key.title, [bar]))
        }
        return bars
    }

    private func roofline(of device: BenchDevice, _ number: Int) -> SVGRoofline? {
        guard let arithmetic = device.peaks[.float32], let bandwidth = device.peaks[.memoryCopy] else { return nil }
        let limits = "\(Quantity.significant(arithmetic / 1e9)) GFLOP/s, \(Quantity.significant(bandwidth / 1e9, 3)) GB/s"
        var roofline = SVGRoofline(title: "\(device.name): roofline, \(limits)", arithmetic: arithmetic, bandwidth: bandwidth)
        roofline.series = number
        let keys = keys
        roofline.points = rows.filter { $0.device == device.name }.compactMap { row in
            guard let work = row.work, work.operations > 0, let measurement = row.measurement else { return nil }
            let number = (keys.firstIndex(of: row.key.withoutDevice) ?? 0) + 1
            return .init(row.key.title, number: number, intensity: work.intensity, rate: work.operations / measurement.median)
        }
        return roofline
    }

    /// What was measured, on whichever devices, in the order of the rows.
    private var keys: [BenchRow.Key] { rows.map(\.key.withoutDevice).uniqued }

    private func place(of device: String) -> Int { devices.firstIndex { $0.name == device } ?? 0 }
}

extension BenchRow {
    /// The median with its unit.
    fileprivate var valueText: String {
        measurement.map { "\(Quantity.significant(metric.value($0.median))) \(metric.unit)" } ?? ""
    }
}

extension Measurement {
    /// What a speed that is 1 at `seconds` comes to at the quartiles.
    fileprivate func rates(of seconds: Double) -> ClosedRange<Double>? {
        guard samples.count > 1, lowerQuartile > 0 else { return nil }
        return seconds / upperQuartile...seconds / lowerQuartile
    }
}

extension BenchRow.Key {
    fileprivate var withoutDevice: BenchRow.Key {
        var key = self
        key.device = ""
        return key
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, where it comes first.
    fileprivate var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
