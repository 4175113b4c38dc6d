/// One element of an SVG picture (Scalable Vector Graphics 1.1), with what it contains.
package struct SVGElement: Sendable {
    private let name: String
    private var attributes: [(String, String)]
    private let text: String?
    private let children: [SVGElement]

    package init(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String? = nil,
        _ children: [SVGElement] = []
    ) {
        (self.name, self.attributes, self.text, self.children) = (name, Array(attributes), text, children)
    }

    /// The element with one more attribute.
    package func with(_ attribute: String, _ value: String) -> SVGElement {
        var copy = self
        copy.attributes.append((attribute, value))
        return copy
    }

    /// The element as text, one line for each element.
    package func rendered(indent: String = "") -> String {
        let opening = "\(indent)<\(name)" + attributes.map { " \($0)=\"\(Self.escaped($1))\"" }.joined()
        if let text { return "\(opening)>\(Self.escaped(text))</\(name)>\n" }
        if children.isEmpty { return "\(opening)/>\n" }
        return "\(opening)>\n" + children.map { $0.rendered(indent: indent + "  ") }.joined() + "\(indent)</\(name)>\n"
    }

    /// Two decimals at most, which is finer than any screen.
    package static func number(_ value: Double) -> String {
        let hundredths = (value * 100).rounded()
        guard abs(hundredths) < 1e15 else { return "0" }
        let whole = Int(hundredths)
        let digits = String(abs(whole) % 100 + 100).dropFirst()
        let sign = whole < 0 ? "-" : ""
        let fraction = whole % 100 == 0 ? "" : "." + (digits.hasSuffix("0") ? digits.dropLast() : digits)
        return "\(sign)\(abs(whole) / 100)\(fraction)"
    }

    /// Text that may hold anything: the special characters are replaced, control characters, which XML forbids, left out.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case ..<" ", "\u{7F}", "\u{FFFE}", "\u{FFFF}": break
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// What all pictures share: size, margins, colours and the drawing of axes.
package struct ChartFrame {
    package var width = 760.0
    package var height = 440.0
    package var left = 72.0
    var right = 28.0
    var top = 64.0
    var bottom = 60.0

    package init() {}

    package static let ink = "#24292f"
    package static let faint = "#6b7280"
    static let grid = "#e5e7eb"
    /// Okabe and Ito's colours, which people who see colours differently tell apart too, and two dark ones beside them.
    package static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b7280", "#a08c00", "#332288", "#882255"]

    var plotWidth: Double { width - left - right }
    var plotHeight: Double { height - top - bottom }
    private func n(_ value: Double) -> String { SVGElement.number(value) }

    /// The whole picture, on white so that it reads in a dark window too.
    package func picture(title: String, _ content: [SVGElement]) -> String { element(title: title, content).rendered() }

    func element(title: String, _ content: [SVGElement]) -> SVGElement {
        let background = SVGElement("rect", ["width": n(width), "height": n(height), "fill": "#ffffff"])
        let heading = text(title, x: left, y: 30, size: 17, colour: Self.ink, weight: "600", anchor: "start")
        return SVGElement(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(n(width)) \(n(height))", "width": n(width),
                "height": n(height), "role": "img",
                "font-family": "system-ui, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif",
            ], [SVGElement("title", text: title), background, heading] + content)
    }

    package func text(
        _ string: String, x: Double, y: Double, size: Double = 12, colour: String = faint, weight: String = "400",
        anchor: String = "middle", turned: Bool = false
    ) -> SVGElement {
        let element = SVGElement(
            "text",
            [
                "x": n(x), "y": n(y), "font-size": n(size), "fill": colour, "font-weight": weight,
                "text-anchor": anchor,
            ], text: string)
        return turned ? element.with("transform", "rotate(-90 \(n(x)) \(n(y)))") : element
    }

    package func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String) -> SVGElement {
        SVGElement("line", ["x1": n(x1), "y1": n(y1), "x2": n(x2), "y2": n(y2), "stroke": colour, "stroke-width": "1"])
    }

    func circle(x: Double, y: Double, radius: Double, fill: String, outline: String = "none") -> SVGElement {
        SVGElement(
            "circle", ["cx": n(x), "cy": n(y), "r": n(radius), "fill": fill, "stroke": outline, "stroke-width": "1.5"])
    }

    /// The numbers along both axes and their names; with `grid`, lines across the plot at each number of the y axis.
    func axes(x: ChartScale, y: ChartScale, xLabel: String, yLabel: String, grid: Bool) -> [SVGElement] {
        let (floor, end) = (height - bottom, width - right)
        let rows = y.ticks.flatMap { tick -> [SVGElement] in
            let at = y.coordinate(of: tick)
            let number = text(tick.label, x: left - 10, y: at + 4, anchor: "end")
            return grid ? [line(left, at, end, at, Self.grid), number] : [number]
        }
        let columns = x.ticks.flatMap { tick -> [SVGElement] in
            let at = x.coordinate(of: tick)
            return [line(at, floor, at, floor + 5, Self.faint), text(tick.label, x: at, y: floor + 20)]
        }
        let names = [
            text(xLabel, x: left + plotWidth / 2, y: height - 14, size: 13),
            text(yLabel, x: 20, y: top + plotHeight / 2, size: 13, turned: true),
        ]
        return rows + [line(left, floor, end, floor, Self.faint)] + columns + names
    }
}
