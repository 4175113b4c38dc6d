import SomaGraph

/// A function of two variables as colours, as SVG text: the decision surface of a small network, or a table of numbers.
public struct SVGHeatMap: Hashable, Sendable {
    /// A mark on the map, such as a training sample.
    public struct Mark: Hashable, Sendable {
        public var x: Double
        public var y: Double
        /// Its colour is that of this value on the map.
        public var value: Double
        public var label: String

        public init(_ x: Double, _ y: Double, value: Double, label: String = "") {
            (self.x, self.y, self.value, self.label) = (x, y, value, label)
        }
    }

    public var title: String
    public var xLabel: String
    public var yLabel: String
    public var xRange: ClosedRange<Double>
    public var yRange: ClosedRange<Double>
    /// Rows from the lowest y to the highest, in each the values from the lowest x to the highest.
    public var rows: [[Double]]
    /// The values that get the first and the last colour; those beyond get the nearest.
    public var valueRange: ClosedRange<Double>
    public var marks: [Mark] = []

    /// - Parameter valueRange: nil takes the range of the finite values.
    public init(
        title: String, xLabel: String, yLabel: String, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>,
        rows: [[Double]], valueRange: ClosedRange<Double>? = nil
    ) {
        guard let width = rows.first?.count, width > 0, rows.allSatisfy({ $0.count == width }) else {
            programError("heat map", "needs rows of equal lengths, got \(rows.map(\.count))")
        }
        (self.title, self.xLabel, self.yLabel) = (title, xLabel, yLabel)
        (self.xRange, self.yRange, self.rows) = (xRange, yRange, rows)
        let finite = rows.joined().filter(\.isFinite)
        self.valueRange = valueRange ?? (finite.min() ?? 0)...(finite.max() ?? 1)
    }

    /// The map as the text of an SVG file.
    public var svg: String {
        var frame = ChartFrame()
        (frame.top, frame.right, frame.width) = (48, 96, 560)
        frame.height = frame.top + frame.bottom + frame.plotWidth
        let x = ChartScale(.linear, bounds: xRange, from: frame.left, to: frame.width - frame.right)
        let y = ChartScale(.linear, bounds: yRange, from: frame.height - frame.bottom, to: frame.top)
        let axes = frame.axes(x: x, y: y, xLabel: xLabel, yLabel: yLabel, grid: false)
        return frame.picture(title: title, cells(frame) + axes + marks(frame, x, y) + colourBar(frame))
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
            rectangle(left, frame.height - frame.bottom - Double(step + 1) * height, 14, height, Self.colour(step))
        }
        let scale = ChartScale(.linear, bounds: valueRange, from: frame.height - frame.bottom, to: frame.top)
        let numbers = scale.ticks.map {
            frame.text($0.label, x: left + 20, y: scale.coordinate(of: $0) + 4, anchor: "start")
        }
        return [SVGElement("g", ["shape-rendering": "crispEdges"], bar)] + numbers
    }

    // MARK: Colours

    private static let steps = 48

    private func colour(_ value: Double) -> String {
        guard value.isFinite else { return "#9ca3af" }
        let width = valueRange.upperBound - valueRange.lowerBound
        let place = width > 0 ? (value - valueRange.lowerBound) / width : 0.5
        return Self.colour(min(max(Int(place * Double(Self.steps)), 0), Self.steps - 1))
    }

    /// Blue through white to orange, so that the middle, where a classifier cannot decide, is pale.
    private static func colour(_ step: Int) -> String {
        let stops: [[Double]] = [[0, 90, 160], [120, 180, 220], [250, 250, 247], [243, 170, 95], [200, 80, 0]]
        let place = Double(step) / Double(steps - 1) * Double(stops.count - 1)
        let index = min(Int(place), stops.count - 2)
        let share = place - Double(index)
        let channels = zip(stops[index], stops[index + 1]).map { Int(($0 + ($1 - $0) * share).rounded()) }
        return "#" + channels.map { String($0 + 256, radix: 16).suffix(2) }.joined()
    }
}
