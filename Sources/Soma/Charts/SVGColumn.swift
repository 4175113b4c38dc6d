/// Several pictures one below the other in one SVG file.
public struct SVGColumn: Sendable {
    private var pictures: [(element: SVGElement, height: Double)] = []

    /// No picture yet.
    public init() {}

    /// Puts bars below what there is.
    public mutating func add(_ bars: SVGBars) { pictures.append(bars.picture) }

    /// Puts a roofline below what there is.
    public mutating func add(_ roofline: SVGRoofline) { pictures.append(roofline.picture) }

    /// The pictures as the text of an SVG file.
    public var svg: String {
        let (n, width) = (SVGElement.number, ChartFrame().width)
        let height = pictures.reduce(0) { $0 + $1.height }
        var y = 0.0
        let placed = pictures.map { picture in
            defer { y += picture.height }
            return picture.element.with("y", n(y))
        }
        let attributes: KeyValuePairs = [
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(n(width)) \(n(height))", "width": n(width), "height": n(height),
        ]
        return SVGElement("svg", attributes, placed).rendered()
    }
}
