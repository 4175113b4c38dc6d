/// The curves of a run: losses on a logarithmic axis, and below them what else was measured on held-out samples.
struct Curves {
    private let charts: [SVGChart]

    /// - Parameters:
    ///   - names: of the values in the rows, in the order of their columns.
    ///   - figures: what is known of these values, by name: how they are to be read.
    init(title: String, rows: [MetricsFile.Row], names: [String], figures: [String: Figure] = [:]) {
        var models: [String] = []
        for row in rows where !models.contains(row.model) { models.append(row.model) }
        func series(_ title: String, _ name: String) -> [SVGChart.Series] {
            models.map { model in
                let points = rows.filter { $0.model == model }.compactMap { row in row.values[name].map { SVGChart.Point(Double(row.step), $0) } }
                let prefix = models.count > 1 ? "\(model): " : ""
                return SVGChart.Series(prefix + title, points: points, isMarked: Self.isTest(name) && points.count < 60)
            }
        }
        let losses = names.filter { !Self.isTest($0) }
        let onLosses = Set(losses.map { Self.prefix + $0 })
        var loss = SVGChart(title: "\(title): loss", x: ChartAxis("update", isCount: true), y: ChartAxis("loss", scale: .logarithmic))
        for name in losses {
            let own = losses.count > 1 ? "\(name.replacing("_", with: " ")), " : ""
            loss.series += series("\(own)training", name) + series("\(own)test", Self.prefix + name)
        }
        let others = Self.groups(names.filter { Self.isTest($0) && !onLosses.contains($0) }, figures).map { group in
            let titles = group.map { figures[$0]?.title ?? String($0.dropFirst(Self.prefix.count)) }
            let label = titles.joined(separator: ", ")
            var chart = SVGChart(title: "\(title): \(label)", x: ChartAxis("update", isCount: true), y: ChartAxis(label, limits: figures[group[0]]?.limits))
            chart.series = zip(group, titles).flatMap { series(group.count > 1 ? $1 : "test", $0) }
            return chart
        }
        charts = ([loss] + others).map(Self.withoutEmptyLines).filter { !$0.series.isEmpty }
    }

    private static let prefix = "test_"
    private static func isTest(_ name: String) -> Bool { name.hasPrefix(prefix) }

    /// Measures that share an axis, since they lie between the same values; each of the others by itself.
    private static func groups(_ names: [String], _ figures: [String: Figure]) -> [[String]] {
        names.reduce(into: []) { groups, name in
            let limits = figures[name]?.limits
            let place = limits == nil ? nil : groups.firstIndex { figures[$0[0]]?.limits == limits }
            if let place { groups[place].append(name) } else { groups.append([name]) }
        }
    }

    private static func withoutEmptyLines(_ chart: SVGChart) -> SVGChart {
        var chart = chart
        chart.series.removeAll(where: \.points.isEmpty)
        return chart
    }

    /// One picture of all charts, one below the other; nil where there is nothing to show.
    var svg: String? {
        guard !charts.isEmpty else { return nil }
        let parts = charts.enumerated().map { "<g transform=\"translate(0 \($0 * Self.height))\">\n\($1.svg)</g>\n" }
        let size = "viewBox=\"0 0 \(Self.width) \(Self.height * charts.count)\" width=\"\(Self.width)\" height=\"\(Self.height * charts.count)\""
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size)>\n\(parts.joined())</svg>\n"
    }

    /// The size of one chart.
    private static let (width, height) = (760, 440)
}
