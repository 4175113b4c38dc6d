import Soma

/// Sheets of small square pictures, each pixel drawn as several.
enum PixelSheet {
    /// A side of this many pixels is large enough to look at.
    private static let leastSide = 56

    /// Pictures in a row and below each what was made of it.
    /// - Parameters: [n, side · side] each, from 0 to 1.
    /// - Throws: `BackendError`.
    static func comparing(_ pictures: Tensor, _ rebuilt: Tensor) throws -> Picture {
        let count = pictures.shape[0]
        let values = try [pictures, rebuilt].flatMap { try rows(of: $0) }
        return try sheet(values, range: { _ in 0...1 }, columns: count)
    }

    /// Pictures as near to a square as they go.
    /// - Parameter pictures: [n, side · side], from 0 to 1.
    /// - Throws: `BackendError`.
    static func samples(_ pictures: Tensor) throws -> Picture { try sheet(try rows(of: pictures)) { _ in 0...1 } }

    /// The weights of units [n, side · side], each from its own most negative, black, to its most positive, white.
    /// - Throws: `BackendError`.
    static func filters(_ weights: Tensor) throws -> Picture {
        try sheet(try rows(of: weights)) { values in
            let largest = max(values.map(\.magnitude).max() ?? 0, .leastNormalMagnitude)
            return -largest...largest
        }
    }

    private static func rows(of pictures: Tensor) throws -> [[Float]] {
        let values: [Float] = try pictures.scalars()
        let size = pictures.shape[1]
        return (0..<pictures.shape[0]).map { Array(values[$0 * size..<($0 + 1) * size]) }
    }

    private static func sheet(_ pictures: [[Float]], range: ([Float]) -> ClosedRange<Float>, columns: Int? = nil) throws -> Picture {
        let side = Int(Double(pictures[0].count).squareRoot())
        let factor = max(1, leastSide / side)
        var sheet = try PictureSheet(count: pictures.count, tile: PictureSize(side * factor), channels: 1, columns: columns)
        for values in pictures {
            let large = (0..<side * factor * side * factor).map { place in
                values[place / (side * factor) / factor * side + place % (side * factor) / factor]
            }
            sheet.add(large, from: range(values))
        }
        return sheet.picture
    }
}
