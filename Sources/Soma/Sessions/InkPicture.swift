/// A grey picture by how much ink each pixel has: 0 is the ground, 1 the darkest stroke, whichever of the two was
/// light.
struct InkPicture {
    let rows: Int
    let columns: Int
    /// Row by row.
    let ink: [Float]

    init(rows: Int, columns: Int, ink: [Float]) { (self.rows, self.columns, self.ink) = (rows, columns, ink) }

    /// The ground is what most of the edge is. What is faint is made darker.
    /// - Throws: `SomaError` where nothing stands out from the ground.
    init(_ image: Picture, path: String) throws {
        let grey = image.grey
        (rows, columns) = (grey.height, grey.width)
        let pixels = grey.pixels.map { Float($0) / 255 }
        let isLightGround = Self.ground(pixels, rows, columns) > 0.5
        let ink = pixels.map { isLightGround ? 1 - $0 : $0 }
        let (lightest, darkest) = (ink.min() ?? 0, ink.max() ?? 0)
        guard darkest - lightest >= Self.leastContrast else {
            let (low, high) = (grey.pixels.min() ?? 0, grey.pixels.max() ?? 0)
            throw SomaError("\(path) shows nothing: its pixels are all from \(low) to \(high) of 255")
        }
        self.ink = darkest >= 0.5 ? ink : ink.map { $0 / darkest }
    }

    /// Eight of the 256 steps of brightness: less is noise.
    private static let leastContrast: Float = 8 / 255

    /// The median along the edge.
    private static func ground(_ pixels: [Float], _ rows: Int, _ columns: Int) -> Float {
        let edge = pixels.indices.filter { i in
            let (row, column) = (i / columns, i % columns)
            return row == 0 || column == 0 || row == rows - 1 || column == columns - 1
        }
        return edge.map { pixels[$0] }.sorted()[edge.count / 2]
    }

    /// The picture as a model takes it: unchanged where it has the size, else what is drawn, scaled and laid where
    /// pictures of that size have it.
    func fitted(rows: Int, columns: Int) -> InkPicture {
        if self.rows == rows && self.columns == columns { return self }
        let drawn = Drawing(self)
        let isSmall = min(rows, columns) < 16
        let margin = isSmall ? 0 : min(rows, columns) / 7
        let scale = min(
            Double(rows - 2 * margin) / Double(drawn.rows.count),
            Double(columns - 2 * margin) / Double(drawn.columns.count))
        var top = Double(rows) / 2 - drawn.centre.row * scale
        var left = Double(columns) / 2 - drawn.centre.column * scale
        if isSmall {
            // As the embedded digits: the middle of the height in the middle, and across the centre of mass.
            top = (Double(rows) - Double(drawn.rows.count) * scale) / 2
        } else {
            // As MNIST: fitted into 20×20 and moved by whole pixels, until the pixel right of and below the middle of
            // 28×28 has the centre of mass.
            (top, left) = (top.rounded(.up), left.rounded(.up))
        }
        return resampled(
            rows: rows, columns: columns, step: 1 / scale, top: Double(drawn.rows.lowerBound) - top / scale,
            left: Double(drawn.columns.lowerBound) - left / scale)
    }

    /// Means over squares of `step` pixels a side, from `top` and `left` on; the darkest becomes 1.
    private func resampled(rows: Int, columns: Int, step: Double, top: Double, left: Double) -> InkPicture {
        func stretch(_ start: Double, _ place: Int) -> Range<Double> {
            start + Double(place) * step..<start + Double(place + 1) * step
        }
        let result = (0..<rows * columns).map { place in
            mean(rows: stretch(top, place / columns), columns: stretch(left, place % columns))
        }
        let darkest = max(result.max() ?? 1, 1e-6)
        return InkPicture(rows: rows, columns: columns, ink: result.map { min($0 / darkest, 1) })
    }

    /// The mean ink of a rectangle whose borders may cut through pixels; outside of the picture is ground.
    private func mean(rows: Range<Double>, columns: Range<Double>) -> Float {
        var sum = 0.0
        let across = Self.pixels(columns, self.columns)
        for (row, height) in Self.pixels(rows, self.rows) {
            for (column, width) in across { sum += Double(ink[row * self.columns + column]) * height * width }
        }
        return Float(sum / ((rows.upperBound - rows.lowerBound) * (columns.upperBound - columns.lowerBound)))
    }

    /// The pixels that a stretch touches, and how much of each.
    private static func pixels(_ stretch: Range<Double>, _ count: Int) -> [(index: Int, share: Double)] {
        let first = max(0, Int(stretch.lowerBound.rounded(.down)))
        let end = min(count, Int(stretch.upperBound.rounded(.up)))
        guard first < end else { return [] }
        return (first..<end).map {
            ($0, min(stretch.upperBound, Double($0 + 1)) - max(stretch.lowerBound, Double($0)))
        }
    }
}

/// Where in a picture something is drawn.
private struct Drawing {
    /// The smallest rectangle around it.
    private(set) var rows = 0..<1
    private(set) var columns = 0..<1
    /// The centre of mass of its ink, from the corner of the rectangle.
    private(set) var centre = (row: 0.0, column: 0.0)

    init(_ picture: InkPicture) {
        // Less ink may be dirt on the paper.
        let threshold = 0.1 * (picture.ink.max() ?? 0)
        let drawn = picture.ink.indices.filter { picture.ink[$0] > threshold }
        guard let first = drawn.first, let last = drawn.last else { return }
        let across = drawn.map { $0 % picture.columns }
        rows = first / picture.columns..<last / picture.columns + 1
        columns = (across.min() ?? 0)..<(across.max() ?? 0) + 1
        var (mass, down, right) = (0.0, 0.0, 0.0)
        for place in drawn {
            let ink = Double(picture.ink[place])
            mass += ink
            down += ink * (Double(place / picture.columns - rows.lowerBound) + 0.5)
            right += ink * (Double(place % picture.columns - columns.lowerBound) + 0.5)
        }
        centre = (down / mass, right / mass)
    }
}
