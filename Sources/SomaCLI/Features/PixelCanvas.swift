import Soma

/// A picture in colour to draw on, white at first.
struct PixelCanvas {
    let width: Int
    let height: Int
    private var pixels: [UInt8]

    init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: width * height * 3)
    }

    var picture: Picture { Picture(width: width, height: height, channels: 3, pixels: pixels) }

    /// Lays pixels [rows · columns · 3] with their upper left corner at x, y.
    mutating func draw(_ tile: [UInt8], columns: Int, x: Int, y: Int) {
        let stride = columns * 3
        for row in 0..<tile.count / stride {
            let target = ((y + row) * width + x) * 3
            pixels.replaceSubrange(target..<target + stride, with: tile[row * stride..<(row + 1) * stride])
        }
    }

    /// A grey line of one pixel around what lies at x, y.
    mutating func frame(rows: Int, columns: Int, x: Int, y: Int, grey: UInt8) {
        for row in y - 1...y + rows {
            let isEdge = row == y - 1 || row == y + rows
            for column in isEdge ? Array(x - 1...x + columns) : [x - 1, x + columns] {
                for channel in 0..<3 { pixels[(row * width + column) * 3 + channel] = grey }
            }
        }
    }

    /// Writes a line, cut where the picture ends, in pixels of `size` × `size`.
    mutating func write(_ text: String, x: Int, y: Int, size: Int, grey: UInt8) {
        for (place, letter) in text.enumerated() {
            let left = x + place * PixelFont.advance * size
            guard left + PixelFont.columns * size <= width else { return }
            for row in 0..<PixelFont.rows * size {
                for column in 0..<PixelFont.columns * size where PixelFont.isInk(letter, row: row / size, column: column / size) {
                    let target = ((y + row) * width + left + column) * 3
                    for channel in 0..<3 { pixels[target + channel] = grey }
                }
            }
        }
    }
}
