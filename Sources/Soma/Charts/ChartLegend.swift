/// The names of the lines above the plot, in as many rows as they need; none for a single line without a name.
struct ChartLegend {
    let elements: [SVGElement]
    let height: Double

    init(_ names: [String], in frame: ChartFrame) {
        guard names.contains(where: { !$0.isEmpty }) else {
            (elements, height) = ([], -16)
            return
        }
        var elements: [SVGElement] = []
        var (x, y) = (frame.left, 54.0)
        for (index, name) in names.enumerated() {
            let width = 30 + 7 * Double(name.count)
            if x + width > frame.width - frame.right && x > frame.left { (x, y) = (frame.left, y + 20) }
            let colour = SVGChart.colour(index)
            elements.append(
                SVGElement(
                    "rect",
                    [
                        "x": SVGElement.number(x), "y": SVGElement.number(y - 6), "width": "16", "height": "4",
                        "rx": "2",
                        "fill": colour,
                    ]))
            elements.append(frame.text(name, x: x + 22, y: y, colour: ChartFrame.ink, anchor: "start"))
            x += width + 14
        }
        self.elements = elements
        height = y - 44
    }
}
