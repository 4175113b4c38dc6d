import Soma

/// The curves of a run: losses on a logarithmic axis, and below them the accuracy where there is one.
struct Curves {
    private let charts: [SVGChart]

    init(title: String, rows: [MetricsFile.Row]) {
        var names: [String] = []
        for row in rows where !names.contains(row.model) { names.append(row.model) }
        func series(_ name: String, _ model: String, marked: Bool, _ value: (MetricsFile.Row) -> Double?) -> SVGChart.Series {
            let points = rows.filter { $0.model == model }.compactMap { row in value(row).map { SVGChart.Point(Double(row.step), $0) } }
            let prefix = names.count > 1 ? "\(model): " : ""
            return SVGChart.Series(prefix + name, points: points, isMarked: marked && points.count < 60)
        }
        var loss = SVGChart(title: "\(title): loss", x: ChartAxis("update"), y: ChartAxis("loss", scale: .logarithmic))
        var accuracy = SVGChart(title: "\(title): accuracy", x: ChartAxis("update"), y: ChartAxis("share of test samples right", limits: 0...1))
        for model in names {
            loss.series += [
                series("training", model, marked: false, \.loss), series("test", model, marked: true, \.testLoss),
            ]
            accuracy.series.append(series("test", model, marked: true, \.testAccuracy))
        }
        charts = [loss, accuracy].map(Self.withoutEmptyLines).filter { !$0.series.isEmpty }
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
