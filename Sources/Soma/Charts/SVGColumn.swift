/// Several pictures one below the other in one SVG file.
public struct SVGColumn: Sendable {
    /// Lines above the pictures.
    private let caption: [String]
    private var pictures: [(element: SVGElement, height: Double)] = []

    /// No picture yet, below lines that tell what all of them are of.
    public init(caption: [String] = []) { self.caption = caption }

    /// Whether there is no picture yet.
    public var isEmpty: Bool { pictures.isEmpty }

    /// Puts bars below what there is.
    public mutating func add(_ bars: SVGBars) { pictures.append(bars.picture) }

    /// Puts a roofline below what there is.
    public mutating func add(_ roofline: SVGRoofline) { pictures.append(roofline.picture) }

    /// The pictures as the text of an SVG file.
    public var svg: String {
        let (n, width) = (SVGElement.number, ChartFrame().width)
        let head = heading
        let height = pictures.reduce(head.height) { $0 + $1.height }
        var y = head.height
        let placed = pictures.map { picture in
            defer { y += picture.height }
            return picture.element.with("y", n(y))
        }
        let attributes: KeyValuePairs = [
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(n(width)) \(n(height))", "width": n(width), "height": n(height),
        ]
        return SVGElement("svg", attributes, [head.element] + placed).rendered()
    }

    private var heading: (element: SVGElement, height: Double) {
        var frame = ChartFrame()
        frame.height = caption.isEmpty ? 0 : 16 * Double(caption.count) + 12
        let lines = caption.enumerated().map { number, line in frame.text(line, x: 24, y: 20 + 16 * Double(number), size: 11, anchor: "start") }
        return (frame.element(title: "", lines), frame.height)
    }
}
