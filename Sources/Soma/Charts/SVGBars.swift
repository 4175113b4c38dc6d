/// Bars in groups, one below the other, as SVG text: how several devices do at several tasks, for instance.
public struct SVGBars: Hashable, Sendable {
    /// Bars that belong together, one for each series that has one.
    public struct Group: Hashable, Sendable {
        /// Written at the left of the bars.
        public var name: String
        /// From top to bottom.
        public var bars: [Bar]

        /// The bars are drawn in the order given.
        public init(_ name: String, _ bars: [Bar]) { (self.name, self.bars) = (name, bars) }
    }

    /// One bar and what is written beside it.
    public struct Bar: Hashable, Sendable {
        /// The index among the names of the series, which decides its colour.
        public var series: Int
        /// Its length; a value that is negative or not finite is drawn with length 0.
        public var value: Double
        /// What is written beside it, at the right of the plot.
        public var text: String
        /// The range that holds the middle half of the repetitions, drawn as a thin line.
        public var quartiles: ClosedRange<Double>?

        /// A bar of a group.
        /// - Parameters:
        ///   - value: the length, in the unit of the axis.
        ///   - quartiles: the first and the third quartile of the repetitions; nil draws no line.
        public init(series: Int, _ value: Double, text: String, quartiles: ClosedRange<Double>? = nil) {
            (self.series, self.value, self.text, self.quartiles) = (series, value, text, quartiles)
        }
    }

    /// Written above the bars.
    public var title: String
    /// Written along the axis, on which 1 is marked: what lengths are shares of.
    public var label: String
    /// Names of the series, shown where there are several.
    public var series: [String]
    /// From top to bottom; empty at first.
    public var groups: [Group] = []

    /// Bars are added through `groups`.
    /// - Parameters:
    ///   - label: what lengths are shares of.
    ///   - series: names by the index that bars have.
    public init(title: String, label: String, series: [String]) { (self.title, self.label, self.series) = (title, label, series) }

    /// The bars as the text of an SVG file.
    public var svg: String { picture.element.rendered() }

    private static let barHeight = 14.0
    private static let gap = 8.0
    /// Of a character in the texts, rather more than less.
    private static let textWidth = 6.3
    private static let textMargin = 14.0

    var picture: (element: SVGElement, height: Double) {
        var frame = ChartFrame()
        frame.left = 7 * Double(groups.map(\.name.count).max() ?? 0) + 24
        frame.right = roomForTexts(frame)
        let legend = ChartLegend(series.count > 1 ? series : [], in: frame)
        frame.top += legend.height
        let count = groups.reduce(0) { $0 + $1.bars.count }
        frame.height = frame.top + Double(count) * Self.barHeight + Double(groups.count) * Self.gap + frame.bottom
        let values = groups.flatMap(\.bars).flatMap { [$0.value, $0.quartiles?.upperBound ?? 0] }.filter(\.isFinite)
        let scale = ChartScale(.linear, bounds: 0...max(1, values.max() ?? 1), from: frame.left, to: frame.width - frame.right)
        return (frame.element(title: title, legend.elements + axis(scale, frame) + bars(scale, frame)), frame.height)
    }

    /// What the plot leaves free at the right: a column for the texts, where no line crosses them and no bar covers them.
    private func roomForTexts(_ frame: ChartFrame) -> Double {
        let longest = groups.flatMap(\.bars).map(\.text.count).max() ?? 0
        return min(Self.textWidth * Double(longest) + 2 * Self.textMargin, 0.75 * (frame.width - frame.left))
    }

    private func axis(_ scale: ChartScale, _ frame: ChartFrame) -> [SVGElement] {
        let floor = frame.height - frame.bottom
        let lines = scale.ticks.flatMap { tick -> [SVGElement] in
            let x = scale.coordinate(of: tick)
            return [frame.line(x, frame.top - 4, x, floor, ChartFrame.grid), frame.text(tick.label, x: x, y: floor + 18)]
        }
        let limit = scale(1).map { [frame.line($0, frame.top - 4, $0, floor, ChartFrame.faint)] } ?? []
        return lines + limit + [frame.text(label, x: frame.left + frame.plotWidth / 2, y: frame.height - 14, size: 13)]
    }

    private func bars(_ scale: ChartScale, _ frame: ChartFrame) -> [SVGElement] {
        let n = SVGElement.number
        var y = frame.top
        return groups.flatMap { group -> [SVGElement] in
            let middle = y + Double(group.bars.count) * Self.barHeight / 2
            let name = frame.text(group.name, x: frame.left - 8, y: middle + 4, colour: ChartFrame.ink, anchor: "end")
            let bars = group.bars.flatMap { bar -> [SVGElement] in
                defer { y += Self.barHeight }
                let end = bar.value >= 0 ? scale(bar.value) ?? frame.left : frame.left
                let colour = ChartFrame.colours[bar.series % ChartFrame.colours.count]
                let whisker = bar.quartiles.flatMap { range in scale(range.lowerBound).flatMap { low in scale(range.upperBound).map { (low, $0) } } }
                let line = whisker.map { [frame.line($0.0, y + Self.barHeight / 2, $0.1, y + Self.barHeight / 2, ChartFrame.ink)] } ?? []
                let beside = frame.width - frame.right + Self.textMargin
                return [
                    SVGElement("rect", [
                        "x": n(frame.left), "y": n(y + 1), "width": n(end - frame.left), "height": n(Self.barHeight - 2), "rx": "2", "fill": colour,
                    ]),
                ] + line + [frame.text(bar.text, x: beside, y: y + 11, size: 11, anchor: "start")]
            }
            y += Self.gap
            return [name] + bars
        }
    }
}
