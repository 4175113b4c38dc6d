/// A chart of points in groups, each in a colour of its own, as SVG text: samples of several classes by two of their features, for instance.
///
/// The name of a group stands at the middle of its points too, so that colours need not be told apart.
public struct SVGScatter: Hashable, Sendable {
    /// Points of one colour.
    public struct Group: Hashable, Sendable {
        /// What the legend calls the group, and what is written among its points.
        public var name: String
        /// Points that are not finite, or have no place on the axes, are left out.
        public var points: [SVGChart.Point]

        /// Points with a name.
        public init(_ name: String, points: [SVGChart.Point]) { (self.name, self.points) = (name, points) }
    }

    /// Written above the chart.
    public var title: String
    /// The horizontal axis.
    public var x: ChartAxis
    /// The vertical axis.
    public var y: ChartAxis
    /// In the order of the legend, which decides their colours; from the eleventh on these repeat. Empty at first.
    public var groups: [Group] = []

    /// A chart without points; see `groups`.
    public init(title: String, x: ChartAxis, y: ChartAxis) { (self.title, self.x, self.y) = (title, x, y) }

    /// The chart as the text of an SVG file.
    public var svg: String {
        var frame = ChartFrame()
        frame.height = frame.width
        let legend = ChartLegend(groups.map(\.name), in: frame)
        frame.top += legend.height
        let points = groups.flatMap(\.points)
        let xScale = ChartScale(
            x.scale, values: points.map(\.x), from: frame.left, to: frame.width - frame.right, reachesTicks: true, within: x.limits, isCount: x.isCount)
        let yScale = ChartScale(
            y.scale, values: points.map(\.y), from: frame.height - frame.bottom, to: frame.top, reachesTicks: true, within: y.limits, isCount: y.isCount)
        let placed = groups.map { group in
            group.points.compactMap { point in xScale(point.x).flatMap { x in yScale(point.y).map { SVGChart.Point(x, $0) } } }
        }
        let dots = placed.enumerated().flatMap { index, points in
            points.map { frame.circle(x: $0.x, y: $0.y, radius: 2.5, fill: SVGChart.colour(index)).with("fill-opacity", "0.6") }
        }
        let names = zip(groups, placed).compactMap { group, points in Self.middle(points).map { name(group.name, at: $0, frame) } }
        let axes = frame.axes(x: xScale, y: yScale, xLabel: x.label, yLabel: y.label, grid: true)
        return frame.picture(title: title, legend.elements + axes + dots + names)
    }

    /// The median along each axis, which lies among most of the points.
    private static func middle(_ points: [SVGChart.Point]) -> SVGChart.Point? {
        guard !points.isEmpty else { return nil }
        return SVGChart.Point(points.map(\.x).sorted()[points.count / 2], points.map(\.y).sorted()[points.count / 2])
    }

    /// A name that is read above dots, by a white edge.
    private func name(_ text: String, at point: SVGChart.Point, _ frame: ChartFrame) -> SVGElement {
        frame.text(text, x: point.x, y: point.y + 6, size: 18, colour: ChartFrame.ink, weight: "700")
            .with("stroke", "#ffffff").with("stroke-width", "4").with("paint-order", "stroke")
    }
}
