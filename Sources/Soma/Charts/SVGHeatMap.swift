import SomaGraph

/// A function of two variables as colours, as SVG text: the decision surface of a small network, or a table of numbers.
public struct SVGHeatMap: Hashable, Sendable {
    /// A mark on the map, such as a training sample.
    public struct Mark: Hashable, Sendable {
        /// The place along the horizontal axis, within `xRange`.
        public var x: Double
        /// The place along the vertical axis, within `yRange`.
        public var y: Double
        /// Decides its colour, which is that of the value on the map.
        public var value: Double
        /// Written into the mark; an empty one leaves a dot.
        public var label: String

        /// A mark at a place of the map.
        /// - Parameter value: decides the colour.
        public init(_ x: Double, _ y: Double, value: Double, label: String = "") {
            (self.x, self.y, self.value, self.label) = (x, y, value, label)
        }
    }

    /// What the values become.
    public enum Palette: Hashable, Sendable {
        /// Blue through white to orange, so that the middle, where a classifier cannot decide, is pale.
        case diverging
        /// White to a blue on which dark text can still be read: for numbers that begin at nothing.
        case sequential

        fileprivate var stops: [[Double]] {
            switch self {
            case .diverging: [[0, 90, 160], [120, 180, 220], [250, 250, 247], [243, 170, 95], [200, 80, 0]]
            case .sequential: [[255, 255, 255], [205, 224, 241], [120, 180, 220]]
            }
        }
    }

    /// Written above the map.
    public var title: String
    /// What the horizontal axis shows.
    public var xLabel: String
    /// What the vertical axis shows.
    public var yLabel: String
    /// The values at the left and the right edge.
    public var xRange: ClosedRange<Double>
    /// The values at the lower and the upper edge.
    public var yRange: ClosedRange<Double>
    /// Rows from the lowest y to the highest, in each the values from the lowest x to the highest.
    public var rows: [[Double]]
    /// The values that get the first and the last colour; those beyond get the nearest.
    public var valueRange: ClosedRange<Double>
    /// What the values are; written beside the bar of colours.
    public var valueLabel: String
    /// Drawn above the cells; empty at first.
    public var marks: [Mark] = []
    /// `diverging` by default.
    public var palette = Palette.diverging
    /// Names of the columns and rows, one for each, in place of the numbers along the axes.
    public var columnNames: [String] = []
    /// Names of the rows from the lowest up; shown only where the columns have names too.
    public var rowNames: [String] = []
    /// What is written into the cells, as `rows` has them; shown where there are few enough to be read.
    public var texts: [[String]] = []

    /// A map without marks. Traps where there is no row, or where rows differ in length or are empty.
    /// - Parameters:
    ///   - valueLabel: what the values are, beside the bar of colours.
    ///   - valueRange: nil takes the range of the finite values.
    public init(
        title: String, xLabel: String, yLabel: String, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>,
        rows: [[Double]], valueLabel: String, valueRange: ClosedRange<Double>? = nil
    ) {
        guard let width = rows.first?.count, width > 0, rows.allSatisfy({ $0.count == width }) else {
            programError("heat map", "needs rows of equal lengths, got \(rows.map(\.count))")
        }
        (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
        (self.xRange, self.yRange, self.rows, self.valueLabel) = (xRange, yRange, rows, valueLabel)
        let finite = rows.joined().filter(\.isFinite)
        self.valueRange = valueRange ?? (finite.min() ?? 0)...(finite.max() ?? 1)
    }

    /// The map as the text of an SVG file.
    public var svg: String {
        var frame = ChartFrame()
        (frame.top, frame.right, frame.width) = (48, 112, 576)
        frame.height = frame.top + frame.bottom + frame.plotWidth
        let x = ChartScale(.linear, bounds: xRange, from: frame.left, to: frame.width - frame.right)
        let y = ChartScale(.linear, bounds: yRange, from: frame.height - frame.bottom, to: frame.top)
        let isNamed = !columnNames.isEmpty && !rowNames.isEmpty
        let axes = isNamed ? names(frame) : frame.axes(x: x, y: y, xLabel: xLabel, yLabel: yLabel, grid: false)
        return frame.picture(title: title, cells(frame) + axes + cellTexts(frame) + marks(frame, x, y) + colourBar(frame))
    }

    /// Names along both axes, as many as can be read.
    private func names(_ frame: ChartFrame) -> [SVGElement] {
        let (width, height) = (frame.plotWidth / Double(columnNames.count), frame.plotHeight / Double(rowNames.count))
        let every = max(1, Int((13 / min(width, height)).rounded(.up)))
        func shortened(_ name: String) -> String { name.count > 9 ? name.prefix(8) + "…" : name }
        let floor = frame.height - frame.bottom
        let columns = columnNames.enumerated().filter { $0.offset % every == 0 }.map { number, name in
            let isLong = Double(shortened(name).count) * 7 > width * Double(every)
            let middle = frame.left + (Double(number) + 0.5) * width
            return isLong
                ? frame.text(shortened(name), x: middle + 4, y: floor + 6, size: 10, anchor: "end", turned: true)
                : frame.text(shortened(name), x: middle, y: floor + 18)
        }
        let rows = rowNames.enumerated().filter { $0.offset % every == 0 }.map { number, name in
            frame.text(shortened(name), x: frame.left - 6, y: floor - (Double(number) + 0.5) * height + 4, size: 10, anchor: "end")
        }
        return columns + rows + [
            frame.text(xLabel, x: frame.left + frame.plotWidth / 2, y: frame.height - 10, size: 13),
            frame.text(yLabel, x: 12, y: frame.top + frame.plotHeight / 2, size: 13, turned: true),
        ]
    }

    private func cellTexts(_ frame: ChartFrame) -> [SVGElement] {
        guard !texts.isEmpty, texts.count <= 20 else { return [] }
        let height = frame.plotHeight / Double(texts.count)
        return texts.enumerated().flatMap { row, texts -> [SVGElement] in
            let width = frame.plotWidth / Double(texts.count)
            let y = frame.height - frame.bottom - (Double(row) + 0.5) * height + 4
            return texts.enumerated().filter { !$0.element.isEmpty }.map { column, text in
                frame.text(text, x: frame.left + (Double(column) + 0.5) * width, y: y, size: min(12, width / 3.2), colour: ChartFrame.ink)
            }
        }
    }

    /// The cells: one path for each colour, in which neighbours of a row are one rectangle.
    private func cells(_ frame: ChartFrame) -> [SVGElement] {
        let height = frame.plotHeight / Double(rows.count)
        var paths: [String: String] = [:]
        for (row, values) in rows.enumerated() {
            let width = frame.plotWidth / Double(values.count)
            let top = frame.height - frame.bottom - Double(row + 1) * height
            for (range, colour) in Self.runs(values.map(colour)) {
                let corner = [frame.left + Double(range.lowerBound) * width, top].map(SVGElement.number)
                let size = [Double(range.count) * width, height].map(SVGElement.number)
                paths[colour, default: ""] += "M\(corner[0]) \(corner[1])h\(size[0])v\(size[1])h-\(size[0])z"
            }
        }
        let shapes = paths.sorted { $0.key < $1.key }.map { SVGElement("path", ["fill": $0.key, "d": $0.value]) }
        return [SVGElement("g", ["shape-rendering": "crispEdges"], shapes)]
    }

    private static func runs(_ colours: [String]) -> [(Range<Int>, String)] {
        var runs: [(Range<Int>, String)] = []
        for (index, colour) in colours.enumerated() {
            if let last = runs.last, last.1 == colour {
                runs[runs.count - 1].0 = last.0.lowerBound..<index + 1
            } else {
                runs.append((index..<index + 1, colour))
            }
        }
        return runs
    }

    private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String) -> SVGElement
    {
        let n = SVGElement.number
        return SVGElement("rect", ["x": n(x), "y": n(y), "width": n(width), "height": n(height), "fill": colour])
    }

    private func marks(_ frame: ChartFrame, _ x: ChartScale, _ y: ChartScale) -> [SVGElement] {
        marks.flatMap { mark -> [SVGElement] in
            guard let at = x(mark.x), let up = y(mark.y) else { return [] }
            let fill = colour(mark.value)
            if mark.label.isEmpty { return [frame.circle(x: at, y: up, radius: 4.5, fill: fill, outline: "#ffffff")] }
            return [
                frame.circle(x: at, y: up, radius: 12, fill: "#ffffff", outline: ChartFrame.ink),
                frame.text(mark.label, x: at, y: up + 4.5, size: 13, colour: fill, weight: "700"),
            ]
        }
    }

    /// What the colours mean, to the right of the plot.
    private func colourBar(_ frame: ChartFrame) -> [SVGElement] {
        let (left, steps) = (frame.width - frame.right + 20, Self.steps)
        let height = frame.plotHeight / Double(steps)
        let bar = (0..<steps).map { step in
            rectangle(left, frame.height - frame.bottom - Double(step + 1) * height, 14, height, colour(step: step))
        }
        let scale = ChartScale(.linear, bounds: valueRange, from: frame.height - frame.bottom, to: frame.top)
        let numbers = scale.ticks.map {
            frame.text($0.label, x: left + 20, y: scale.coordinate(of: $0) + 4, anchor: "start")
        }
        let label = frame.text(valueLabel, x: frame.width - 12, y: frame.top + frame.plotHeight / 2, size: 13, turned: true)
        return [SVGElement("g", ["shape-rendering": "crispEdges"], bar)] + numbers + [label]
    }

    // MARK: Colours

    private static let steps = 48

    private func colour(_ value: Double) -> String {
        guard value.isFinite else { return "#9ca3af" }
        let width = valueRange.upperBound - valueRange.lowerBound
        let place = width > 0 ? (value - valueRange.lowerBound) / width : 0.5
        return colour(step: min(max(Int(place * Double(Self.steps)), 0), Self.steps - 1))
    }

    private func colour(step: Int) -> String {
        let stops = palette.stops
        let place = Double(step) / Double(Self.steps - 1) * Double(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        let share = place - Double(index)
        let channels = zip(stops[index], stops[index + 1]).map { Int(($0 + ($1 - $0) * share).rounded()) }
        return "#" + channels.map { String($0 + 256, radix: 16).suffix(2) }.joined()
    }
}
