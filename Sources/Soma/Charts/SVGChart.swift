/// A chart of one or several lines, as SVG text: the curves of a training run, for instance.
///
/// ```swift
/// var chart = SVGChart(title: "digits", x: ChartAxis("epoch", isCount: true), y: ChartAxis("loss", scale: .logarithmic))
/// chart.add("training", losses)
/// try AtomicFile.write(chart.svg, to: "curves.svg")
/// ```
public struct SVGChart: Hashable, Sendable {
    /// One line of the chart.
    public struct Series: Hashable, Sendable {
        /// What the legend calls the line.
        public var name: String
        /// Points that are not finite, or have no place on the axis, leave a gap.
        public var points: [Point]
        /// Whether each point is marked, as suits few.
        public var isMarked: Bool

        /// The points are joined in the order given.
        public init(_ name: String, points: [Point], isMarked: Bool = false) {
            (self.name, self.points, self.isMarked) = (name, points, isMarked)
        }
    }

    /// A point by the values on the two axes.
    public struct Point: Hashable, Sendable {
        /// The value on the horizontal axis.
        public var x: Double
        /// The value on the vertical axis.
        public var y: Double

        /// In the units of the axes.
        public init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
    }

    /// Written above the chart.
    public var title: String
    /// The horizontal axis.
    public var x: ChartAxis
    /// The vertical axis.
    public var y: ChartAxis
    /// The lines in the order of the legend, which decides their colours; empty at first.
    public var series: [Series] = []

    /// A chart without lines; see `add` and `series`.
    public init(title: String, x: ChartAxis, y: ChartAxis) { (self.title, self.x, self.y) = (title, x, y) }

    /// Adds a line through `values` at x = `first`, `first` + 1, …
    public mutating func add(_ name: String, _ values: some Sequence<Double>, from first: Double = 0) {
        series.append(Series(name, points: values.enumerated().map { Point(first + Double($0), $1) }))
    }

    /// The chart as the text of an SVG file.
    public var svg: String {
        var frame = ChartFrame()
        let legend = ChartLegend(series.map(\.name), in: frame)
        frame.top += legend.height
        let points = series.flatMap(\.points)
        let xScale = ChartScale(
            x.scale, values: points.map(\.x), from: frame.left, to: frame.width - frame.right, reachesTicks: false, within: x.limits,
            isCount: x.isCount)
        let yScale = ChartScale(
            y.scale, values: points.map(\.y), from: frame.height - frame.bottom, to: frame.top, reachesTicks: true, within: y.limits,
            isCount: y.isCount)
        let axes = frame.axes(x: xScale, y: yScale, xLabel: x.label, yLabel: y.label, grid: true)
        let lines = series.enumerated().flatMap { line($1, Self.colour($0), xScale, yScale, frame) }
        return frame.picture(title: title, legend.elements + axes + lines)
    }

    static func colour(_ index: Int) -> String { ChartFrame.colours[index % ChartFrame.colours.count] }

    private func line(_ series: Series, _ colour: String, _ x: ChartScale, _ y: ChartScale, _ frame: ChartFrame)
        -> [SVGElement]
    {
        let runs = Self.runs(series.points.map { point in x(point.x).flatMap { x in y(point.y).map { Point(x, $0) } } })
        let path = runs.map { Self.path(Self.thinned($0)) }.joined(separator: " ")
        let stroke = SVGElement(
            "path",
            [
                "d": path, "fill": "none", "stroke": colour, "stroke-width": "2", "stroke-linejoin": "round",
                "stroke-linecap": "round",
            ])
        // A point without neighbours has no line to be seen by.
        let lone = runs.filter { $0.count == 1 }.joined()
        let marked = series.isMarked ? Array(runs.joined()) : Array(lone)
        return [stroke] + marked.map { frame.circle(x: $0.x, y: $0.y, radius: 3.5, fill: colour, outline: "#ffffff") }
    }

    /// The stretches between gaps.
    private static func runs(_ points: [Point?]) -> [[Point]] {
        points.split(separator: nil).map { $0.compactMap { $0 } }
    }

    /// At most the first, lowest, highest and last point of each unit of width: a longer line looks no different.
    private static func thinned(_ points: [Point]) -> [Point] {
        guard points.count > 2000 else { return points }
        var result: [Point] = []
        var start = 0
        while start < points.count {
            let column = points[start].x.rounded(.down)
            var end = start + 1
            while end < points.count && points[end].x.rounded(.down) == column { end += 1 }
            let range = start..<end
            let low = range.min { points[$0].y < points[$1].y } ?? start
            let high = range.max { points[$0].y < points[$1].y } ?? start
            result += Set([start, low, high, end - 1]).sorted().map { points[$0] }
            start = end
        }
        return result
    }

    private static func path(_ points: [Point]) -> String {
        points.enumerated().map { "\($0 == 0 ? "M" : "L")\(SVGElement.number($1.x)) \(SVGElement.number($1.y))" }
            .joined()
    }
}
