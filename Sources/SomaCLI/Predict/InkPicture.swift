import Soma

/// A grey picture by how much ink each pixel has: 0 is the ground, 1 the darkest stroke, whichever of the two was light.
struct InkPicture {
    let rows: Int
    let columns: Int
    /// Row by row.
    let ink: [Float]

    init(rows: Int, columns: Int, ink: [Float]) { (self.rows, self.columns, self.ink) = (rows, columns, ink) }

    /// The ground is what most of the edge is.
    init(_ image: PNGImage, path: String) throws {
        let grey = image.grey
        let pixels = grey.pixels.map { Float($0) / 255 }
        (rows, columns) = (grey.height, grey.width)
        let (width, height) = (grey.width, grey.height)
        let edge = pixels.indices.filter { i in
            let (row, column) = (i / width, i % width)
            return row == 0 || column == 0 || row == height - 1 || column == width - 1
        }
        let brightness = edge.map { pixels[$0] }.sorted()
        let isLightGround = brightness[brightness.count / 2] > 0.5
        ink = pixels.map { isLightGround ? 1 - $0 : $0 }
        guard ink.contains(where: { $0 > 0.1 }) else { throw SomaError("\(path) shows nothing: all of it has the same brightness") }
    }

    /// The picture as a model takes it: unchanged where it has the size, else what is drawn, scaled into the middle.
    ///
    /// A margin of a seventh is left at each side, as MNIST has it; small pictures have none, as the embedded digits do.
    func fitted(rows: Int, columns: Int) -> InkPicture {
        if self.rows == rows && self.columns == columns { return self }
        let margin = min(rows, columns) >= 16 ? min(rows, columns) / 7 : 0
        let (room, drawn) = ((rows - 2 * margin, columns - 2 * margin), bounds)
        let scale = min(Double(room.0) / Double(drawn.height), Double(room.1) / Double(drawn.width))
        // From the middle of the target to the middle of what is drawn.
        let top = Double(drawn.row) + Double(drawn.height) / 2 - Double(rows) / 2 / scale
        let left = Double(drawn.column) + Double(drawn.width) / 2 - Double(columns) / 2 / scale
        var result = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                result[row * columns + column] = mean(
                    rows: top + Double(row) / scale..<top + Double(row + 1) / scale,
                    columns: left + Double(column) / scale..<left + Double(column + 1) / scale)
            }
        }
        let darkest = max(result.max() ?? 1, 1e-6)
        return InkPicture(rows: rows, columns: columns, ink: result.map { min($0 / darkest, 1) })
    }

    /// The smallest rectangle around all that is drawn.
    private var bounds: (row: Int, column: Int, height: Int, width: Int) {
        let threshold = 0.2 * (ink.max() ?? 0)
        let drawn = ink.indices.filter { ink[$0] > threshold }
        let (inRows, inColumns) = (drawn.map { $0 / columns }, drawn.map { $0 % columns })
        let (top, left) = (inRows.min() ?? 0, inColumns.min() ?? 0)
        return (top, left, (inRows.max() ?? rows - 1) - top + 1, (inColumns.max() ?? columns - 1) - left + 1)
    }

    /// The mean ink of a rectangle whose borders may cut through pixels; outside of the picture is ground.
    private func mean(rows: Range<Double>, columns: Range<Double>) -> Float {
        var sum = 0.0
        for (row, height) in Self.pixels(rows, self.rows) {
            for (column, width) in Self.pixels(columns, self.columns) {
                sum += Double(ink[row * self.columns + column]) * height * width
            }
        }
        return Float(sum / ((rows.upperBound - rows.lowerBound) * (columns.upperBound - columns.lowerBound)))
    }

    /// The pixels that a stretch touches, and how much of each.
    private static func pixels(_ stretch: Range<Double>, _ count: Int) -> [(index: Int, share: Double)] {
        let first = max(0, Int(stretch.lowerBound.rounded(.down)))
        let end = min(count, Int(stretch.upperBound.rounded(.up)))
        guard first < end else { return [] }
        return (first..<end).map { ($0, min(stretch.upperBound, Double($0 + 1)) - max(stretch.lowerBound, Double($0))) }
    }
}
