import SomaGraph

/// A roofline as SVG text: the rate that programs reach over the operations that they do for each byte they move, below what the device's memory
/// and its arithmetic allow.
///
/// S. Williams, A. Waterman, D. Patterson, *Roofline: An Insightful Visual Performance Model for Multicore Architectures*, CACM 2009.
public struct SVGRoofline: Hashable, Sendable {
    /// A program that was measured.
    public struct Point: Hashable, Sendable {
        /// What the list at the right calls the program.
        public var name: String
        /// Operations for each byte.
        public var intensity: Double
        /// Operations a second.
        public var rate: Double
        /// The number beside the dot and before the name: the same in all pictures of the program.
        public var number: Int

        /// A measured program.
        /// - Parameters:
        ///   - intensity: operations for each byte moved.
        ///   - rate: operations a second.
        public init(_ name: String, number: Int, intensity: Double, rate: Double) {
            (self.name, self.number, self.intensity, self.rate) = (name, number, intensity, rate)
        }
    }

    /// Written above the picture.
    public var title: String
    /// The most operations a second.
    public var arithmetic: Double
    /// The most bytes a second.
    public var bandwidth: Double
    /// The index of what was measured among all that are drawn, which decides the colour of the points.
    public var series = 0
    /// Those that are not positive and finite are left out.
    public var points: [Point] = []

    /// A roof without points. Traps where a limit is not above 0.
    /// - Parameters:
    ///   - arithmetic: the most operations a second.
    ///   - bandwidth: the most bytes a second.
    public init(title: String, arithmetic: Double, bandwidth: Double) {
        guard arithmetic > 0, bandwidth > 0 else { programError("SVGRoofline", "limits of \(arithmetic) and \(bandwidth)") }
        (self.title, self.arithmetic, self.bandwidth) = (title, arithmetic, bandwidth)
    }

    /// The roofline as the text of an SVG file.
    public var svg: String { picture.element.rendered() }

    var picture: (element: SVGElement, height: Double) {
        let shown = points.filter { $0.intensity > 0 && $0.intensity < .infinity && $0.rate > 0 && $0.rate < .infinity }.sorted { $0.number < $1.number }
        var frame = ChartFrame()
        (frame.top, frame.right) = (48, 190)
        frame.height = max(frame.height, frame.top + frame.bottom + Self.lineHeight * Double(shown.count))
        let ridge = arithmetic / bandwidth
        let intensities = shown.map(\.intensity) + [ridge / 8, ridge * 8]
        let (low, high) = ((intensities.min() ?? ridge) / 1.5, (intensities.max() ?? ridge) * 1.5)
        let rates = (shown.map(\.rate) + [low * bandwidth, arithmetic * 1.5]).map { $0 / 1e9 }
        let x = ChartScale(.logarithmic, values: [low, high], from: frame.left, to: frame.width - frame.right, reachesTicks: false)
        let y = ChartScale(.logarithmic, values: rates, from: frame.height - frame.bottom, to: frame.top, reachesTicks: false)
        let axes = frame.axes(x: x, y: y, xLabel: "operations for each byte", yLabel: "GFLOP/s", grid: true)
        return (frame.element(title: title, axes + roof(low, high, x, y) + marks(shown, x, y, frame) + list(shown, frame)), frame.height)
    }

    private func roof(_ low: Double, _ high: Double, _ x: ChartScale, _ y: ChartScale) -> [SVGElement] {
        let corners = [low, arithmetic / bandwidth, high].compactMap { intensity -> String? in
            guard let at = x(intensity), let up = y(min(intensity * bandwidth, arithmetic) / 1e9) else { return nil }
            return "\(SVGElement.number(at)) \(SVGElement.number(up))"
        }
        return [SVGElement("path", ["d": "M" + corners.joined(separator: "L"), "fill": "none", "stroke": ChartFrame.faint, "stroke-width": "2"])]
    }

    // MARK: Points

    private var colour: String { ChartFrame.colours[series % ChartFrame.colours.count] }
    private static let lineHeight = 14.0
    private static let radius = 7.5

    /// A dot for each point, and beside it its number, where it covers no other.
    private func marks(_ points: [Point], _ x: ChartScale, _ y: ChartScale, _ frame: ChartFrame) -> [SVGElement] {
        let dots = points.map { (x: x($0.intensity) ?? 0, y: y($0.rate / 1e9) ?? 0) }
        var bubbles: [(x: Double, y: Double)] = []
        let marks = zip(points, dots).flatMap { point, dot -> [SVGElement] in
            let place = Self.places(around: dot).first { place in
                frame.left + Self.radius < place.x && place.x < frame.width - frame.right - Self.radius && place.y < frame.height - frame.bottom
                    && !bubbles.contains { Self.distance($0, place) < 2 * Self.radius } && !dots.contains { Self.distance($0, place) < Self.radius + 2 }
            } ?? dot
            bubbles.append(place)
            return [
                frame.line(dot.x, dot.y, place.x, place.y, ChartFrame.faint),
                frame.circle(x: place.x, y: place.y, radius: Self.radius, fill: "#ffffff", outline: colour),
                frame.text("\(point.number)", x: place.x, y: place.y + 3, size: 9, colour: ChartFrame.ink),
            ]
        }
        return marks + dots.map { frame.circle(x: $0.x, y: $0.y, radius: 3, fill: colour) }
    }

    /// Places in rings around a dot, the nearest first.
    private static func places(around dot: (x: Double, y: Double)) -> [(x: Double, y: Double)] {
        let directions = [(1.0, 0.0), (0.7, 0.7), (0, 1), (-0.7, 0.7), (-1, 0), (-0.7, -0.7), (0, -1), (0.7, -0.7)]
        return stride(from: 14.0, through: 110, by: 8).flatMap { reach in directions.map { (dot.x + reach * $0.0, dot.y + reach * $0.1) } }
    }

    private static func distance(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> Double {
        ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
    }

    /// What the numbers mean, to the right of the plot.
    private func list(_ points: [Point], _ frame: ChartFrame) -> [SVGElement] {
        points.enumerated().flatMap { place, point -> [SVGElement] in
            let (left, y) = (frame.width - frame.right, frame.top + Self.lineHeight * (Double(place) + 0.8))
            return [
                frame.text("\(point.number)", x: left + 32, y: y, size: 11, anchor: "end"),
                frame.text(point.name, x: left + 40, y: y, size: 11, colour: ChartFrame.ink, anchor: "start"),
            ]
        }
    }
}
